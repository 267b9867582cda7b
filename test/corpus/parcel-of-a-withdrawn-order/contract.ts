import { contract, event } from 'skerry'
import { z } from 'zod'

const Order = z.object({ order: z.string() })

export const Website = contract('website', {
  events: {
    ordered: event({ data: Order.extend({ item: z.string() }), key: (d) => d.order }),
    cancelled: event({ data: Order, key: (d) => d.order }),
  },
})

export const Orders = contract('orders', {
  events: {
    accepted: event({ data: Order.extend({ item: z.string() }), key: (d) => d.order }),
    withdrawn: event({ data: Order, key: (d) => d.order }),
  },
})

export const Parcels = contract('parcels', { events: {} })
