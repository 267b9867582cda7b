import { contract, event } from 'skerry'
import { z } from 'zod'

/** `n` has a default: publishers may leave it out, handlers always get it. */
export const OrderPlaced = z.object({ orderId: z.string(), n: z.number().default(1) })

export const Orders = contract('orders', {
  events: {
    placed: event({ data: OrderPlaced, key: (d) => d.orderId }),
    noted: event({ data: z.object({ words: z.string().transform((words) => words.length) }) }),
  },
})

export const Stock = contract('stock', {
  events: { reserved: event({ data: z.object({ orderId: z.string() }), key: (d) => d.orderId }) },
})

/** True only when both types are the same, `any` included. */
export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

export function holds<_Claim extends true>(): void {}
