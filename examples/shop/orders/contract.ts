import { contract, event } from 'skerry'
import { z } from 'zod'

/** `quantity` and `value` (in thousandths) are what the line adds: negative when it is cancelled. */
const OrderLine = z.object({ line: z.string(), stockCode: z.string(), quantity: z.int(), value: z.int() })

const customer = z.string().nullable()

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
})
