import { contract, event } from 'skerry'
import { z } from 'zod'

const Order = z.object({ order: z.string() })

export const Website = contract('website', {
  events: { ordered: event({ data: Order, key: (d) => d.order }), paid: event({ data: Order, key: (d) => d.order }) },
})

export const Orders = contract('orders', { events: { unpaid: event({ data: Order, key: (d) => d.order }) } })
