import { contract, event } from 'skerry'
import { z } from 'zod'

const Order = z.object({ order: z.string() })

export const House = contract('house', {
  events: {
    packed: event({ data: Order.extend({ parcel: z.string() }), key: (d) => d.order }),
    paid: event({ data: Order, key: (d) => d.order }),
    addressed: event({ data: Order.extend({ address: z.string() }), key: (d) => d.order }),
  },
})

export const Shipping = contract('shipping', {
  events: {
    sent: event({
      data: z.object({ order: z.string(), parcel: z.string(), address: z.string() }),
      key: (d) => d.order,
    }),
  },
})
