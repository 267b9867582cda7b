import { contract, event } from 'skerry'
import { z } from 'zod'

export const Parcels = contract('parcels', {
  events: {
    sent: event({ data: z.object({ order: z.string(), parcel: z.string() }), key: (d) => d.order }),
  },
})
