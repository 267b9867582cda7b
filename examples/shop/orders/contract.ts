import { call, contract, event } from 'skerry'
import { z } from 'zod'

/** `quantity` and `value` (in thousandths) are what the line adds: negative when it is cancelled. */
const OrderLine = z.object({ line: z.string(), stockCode: z.string(), quantity: z.int(), value: z.int() })

const customer = z.string().nullable()

/** Lines as the shopper saw and confirmed them: what is in the cart, or what is ordered, may be something else by now. */
const ConfirmedLine = z
  .object({ stockCode: z.string().min(1), quantity: z.int().positive(), unitPrice: z.int() })
  .refine((line) => Number.isSafeInteger(line.quantity * line.unitPrice), 'quantity × price is beyond 2^53 thousandths')
const confirmed = z.array(ConfirmedLine).min(1).max(1000)
const token = z.string().min(1)

export const Orders = contract('orders', {
  events: {
    /** Lines joined an order: all of them at once, or one after another. */
    placed: event({
      data: z.object({ order: z.string(), customer, at: z.string(), lines: z.array(OrderLine) }),
      key: (d) => d.order,
    }),
    /** A cancellation stands on its own: in full or in part, before its order is known, or of none that ever was. */
    cancelled: event({
      data: z.object({ cancellation: z.string(), customer, at: z.string(), lines: z.array(OrderLine) }),
      key: (d) => d.cancellation,
    }),
  },
  calls: {
    /** The order has the name of its cart. Its lines join it as soon as the cart is checked out. */
    place: call({
      http: 'POST /orders',
      input: z.object({ token, cart: z.string().min(1), lines: confirmed }),
      output: z.object({ order: z.string() }),
      errors: { loggedOut: { status: 401 } },
    }),
    cancel: call({
      http: 'POST /cancellations',
      input: z.object({ token, lines: confirmed }),
      output: z.object({ cancellation: z.string() }),
      errors: { loggedOut: { status: 401 } },
    }),
    view: call({
      http: 'GET /orders/{order}',
      input: z.object({ order: z.string() }),
      output: z.object({ order: z.string(), lines: z.array(OrderLine), value: z.int() }),
      errors: { unknown: { status: 404 } },
    }),
  },
})
