import { contract, event } from 'skerry'
import { z } from 'zod'

const Money = z.object({ customer: z.string(), euros: z.int().min(1) })

export const Orders = contract('orders', {
  events: {
    paid: event({ data: Money, key: (d) => d.customer }),
    returned: event({ data: Money, key: (d) => d.customer }),
    blocked: event({ data: z.object({ customer: z.string() }), key: (d) => d.customer }),
  },
})

export const Loyal = contract('loyal', { events: {} })
