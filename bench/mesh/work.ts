/** What everybody is asked in the scenarios of calls: to give back an order of 1 kB, which is read and written as JSON. */
import { call, contract } from 'skerry'
import { z } from 'zod'

const Line = z.object({ sku: z.string(), name: z.string(), quantity: z.int(), price: z.int() })
export const Order = z.object({
  n: z.int(),
  customer: z.string(),
  street: z.string(),
  city: z.string(),
  note: z.string(),
  lines: z.array(Line),
})
export type Order = z.infer<typeof Order>

export const Echo = contract('echo', {
  events: {},
  calls: { give: call({ input: Order, output: Order, idempotent: true }) },
})

/** The same with a whole service behind it, which looks a row up, or changes it. */
export const Desk = contract('desk', {
  events: {},
  calls: {
    look: call({ http: 'POST /look', input: Order, output: Order, readOnly: true }),
    give: call({ http: 'POST /give', input: Order, output: Order, idempotent: true }),
  },
})

/** The path of the call, as its contract has it. */
export const path = Echo.give.path

/** What callers of every protocol say beside the body; the deadline has no effect but that it is there. */
export const timeoutMs = 2_000

const order: Omit<Order, 'n'> = {
  customer: 'Elizabeth Harrington',
  street: '17 Lighthouse Row',
  city: 'Port Ellen',
  note: 'Please leave it with the harbour master if nobody answers the door before six in the evening.',
  lines: Array.from({ length: 8 }, (_, at) => ({
    sku: `sku-${1_000 + at}`,
    name: `Storm lantern, size ${at}, with a spare wick`,
    quantity: at + 1,
    price: 1_250 + at,
  })),
}

/** 1 kB, and like no other in its number, by which its answer is known. */
export function orderOf(n: number): Order {
  return { n, ...order }
}
