import { contract, event } from 'skerry'
import { z } from 'zod'

const cart = z.string().min(1)
const stockCode = z.string().min(1)

/** Lines as the shopper saw and confirmed them. `line` is unique in the whole shop; money is in thousandths. */
const ConfirmedLine = z
  .object({ line: z.string().min(1), stockCode, quantity: z.int().positive(), unitPrice: z.int() })
  .refine((line) => Number.isSafeInteger(line.quantity * line.unitPrice), 'quantity × price is beyond 2^53 thousandths')

/**
 * What shoppers do on a web page, published from outside. Nothing here needs to arrive in order: changes of a cart are
 * ordered by their own time, and whoever checks out or cancels says what exactly, instead of "what is there now".
 */
export const Shopper = contract('shopper', {
  events: {
    added: event({ data: z.object({ cart, stockCode, quantity: z.int().positive() }), key: (d) => d.cart }),
    set: event({ data: z.object({ cart, stockCode, quantity: z.int().nonnegative() }), key: (d) => d.cart }),
    removed: event({ data: z.object({ cart, stockCode }), key: (d) => d.cart }),
    checkedOut: event({
      data: z.object({ cart, customer: z.string().nullable(), lines: z.array(ConfirmedLine).min(1) }),
      key: (d) => d.cart,
    }),
    cancelled: event({
      data: z.object({
        cancellation: z.string().min(1),
        customer: z.string().nullable(),
        lines: z.array(ConfirmedLine).min(1),
      }),
      key: (d) => d.cancellation,
    }),
  },
})
