import { contract, event } from 'skerry'
import { z } from 'zod'

export const Saga = contract('saga', {
  events: {
    charge: event({ data: z.object({ order: z.string(), cents: z.int() }), key: (d) => d.order }),
    refund: event({ data: z.object({ order: z.string() }), key: (d) => d.order }),
  },
})

export const Payments = contract('payments', { events: {} })
