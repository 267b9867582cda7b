import { call, contract, event } from 'skerry'
import { z } from 'zod'

/** `value` is in thousandths; stock is written off at price 0, but nothing says that it must be. */
const AdjustedLine = z.object({ line: z.string(), stockCode: z.string(), quantity: z.int(), value: z.int() })

export const Inventory = contract('inventory', {
  events: {
    adjusted: event({
      data: z.object({
        adjustment: z.string(),
        customer: z.string().nullable(),
        at: z.string(),
        lines: z.array(AdjustedLine),
      }),
      key: (d) => d.adjustment,
    }),
  },
  calls: {
    /** Below zero where more was sold than ever came in: the data knows no opening stock. */
    stock: call({
      http: 'GET /stock/{stockCode}',
      input: z.object({ stockCode: z.string() }),
      output: z.object({ stockCode: z.string(), onHand: z.int() }),
    }),
  },
})
