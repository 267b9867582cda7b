import { contract, event } from 'skerry'
import { z } from 'zod'

const Line = z.object({ cart: z.string(), sku: z.string(), quantity: z.int().min(1).max(3) })

export const Shopper = contract('shopper', {
  events: {
    added: event({ data: Line, key: (d) => d.cart }),
    takenOut: event({ data: Line, key: (d) => d.cart }),
  },
})

export const Carts = contract('carts', { events: {} })
