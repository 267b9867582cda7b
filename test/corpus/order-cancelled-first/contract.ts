import { contract, event } from 'skerry'
import { z } from 'zod'

const Order = z.object({ orderId: z.string() })

export const Web = contract('web', {
  events: {
    placed: event({ data: Order.extend({ total: z.int() }), key: (d) => d.orderId }),
    cancelled: event({ data: Order, key: (d) => d.orderId }),
    paid: event({ data: Order, key: (d) => d.orderId }),
  },
})

export const Orders = contract('orders', { events: { released: event({ data: Order, key: (d) => d.orderId }) } })
