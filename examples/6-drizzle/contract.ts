import { contract, event } from 'skerry'
import { z } from 'zod'

const Parcel = z.object({ item: z.string(), quantity: z.number().int() })

/** The door through which goods come and go. */
export const Gate = contract('gate', {
  events: {
    arrived: event({ data: Parcel, key: (d) => d.item }),
    left: event({ data: Parcel, key: (d) => d.item }),
  },
})

export const Warehouse = contract('warehouse', {
  events: { short: event({ data: z.object({ item: z.string(), missing: z.number().int() }), key: (d) => d.item }) },
})
