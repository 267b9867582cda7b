import { call, contract, event } from 'skerry'
import { z } from 'zod'

const CartLine = z.object({ line: z.string(), stockCode: z.string(), quantity: z.int(), unitPrice: z.int() })

const cart = z.string().min(1)
const stockCode = z.string().min(1)
/** What is in a cart now. */
const Content = z.object({ cart, lines: z.array(z.object({ stockCode, quantity: z.int() })) })

export const Carts = contract('carts', {
  events: {
    /** These lines are bought. A cart may be checked out in several goes; each says what it is about. */
    checkedOut: event({
      data: z.object({ cart: z.string(), customer: z.string().nullable(), at: z.string(), lines: z.array(CartLine) }),
      key: (d) => d.cart,
    }),
  },
  calls: {
    add: call({
      http: 'POST /carts/{cart}/lines',
      input: z.object({ cart, stockCode, quantity: z.int().positive() }),
      output: Content,
    }),
    set: call({
      http: 'PUT /carts/{cart}/lines/{stockCode}',
      input: z.object({ cart, stockCode, quantity: z.int().nonnegative() }),
      output: Content,
      idempotent: true,
    }),
    remove: call({
      http: 'DELETE /carts/{cart}/lines/{stockCode}',
      input: z.object({ cart, stockCode }),
      output: Content,
      idempotent: true,
    }),
    view: call({ http: 'GET /carts/{cart}', input: z.object({ cart }), output: Content }),
    /** Whoever is logged in places an order; so this is not for everybody. */
    checkOut: call({
      input: z.object({ cart, customer: z.string(), lines: z.array(CartLine).min(1) }),
      output: z.object({}),
      from: ['orders'],
    }),
  },
})
