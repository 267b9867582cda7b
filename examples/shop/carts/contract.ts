import { contract, event } from 'skerry'
import { z } from 'zod'

const CartLine = z.object({ line: z.string(), stockCode: z.string(), quantity: z.int(), unitPrice: z.int() })

export const Carts = contract('carts', {
  events: {
    /** These lines are bought. A cart may be checked out in several goes; each says what it is about. */
    checkedOut: event({
      data: z.object({ cart: z.string(), customer: z.string().nullable(), at: z.string(), lines: z.array(CartLine) }),
      key: (d) => d.cart,
    }),
  },
})
