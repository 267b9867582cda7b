import { contract, event } from 'skerry'
import { z } from 'zod'

/** One row of the retailer's file. Money is in thousandths (see `decimal.ts`). */
export type RetailLine = z.infer<typeof RetailLine>
const RetailLine = z
  .object({
    /** Number of the row, from 1; its identity all the way through the shop. */
    row: z.int().positive(),
    invoice: z.string().min(1),
    stockCode: z.string().min(1),
    description: z.string(),
    quantity: z.int(),
    /** Of the shop's clock, which knows no zone: `2010-12-01 08:26:00`. */
    at: z.string().regex(/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/),
    unitPrice: z.int(),
    customer: z.string().min(1).nullable(),
    country: z.string(),
  })
  .refine((line) => Number.isSafeInteger(line.quantity * line.unitPrice), 'quantity × price is beyond 2^53 thousandths')

/** Of one buyer, in the order of the file: a customer, or whoever stands behind an invoice without one. */
const buyer = (line: RetailLine) => line.customer ?? line.invoice

/** What the retailer's file says, published from outside: one event for each row. */
export const Retail = contract('retail', {
  events: {
    /** A line of an invoice. */
    sold: event({ data: RetailLine, key: buyer }),
    /** A line of an invoice that begins with C: its quantity comes back. */
    cancelled: event({ data: RetailLine, key: buyer }),
    /** A negative quantity on any other invoice: breakage, loss, a count that was wrong. */
    adjusted: event({ data: RetailLine, key: buyer }),
  },
})
