import { contract, event } from 'skerry'
import { z } from 'zod'

export const Orders = contract('orders', {
  events: {
    accepted: event({ data: z.object({ order: z.string(), item: z.string() }), key: (d) => d.order }),
  },
})
