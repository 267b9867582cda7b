import { contract, event } from 'skerry'
import { z } from 'zod'

const Sale = z.object({ sale: z.string(), amount: z.int() })

export const Sales = contract('sales', {
  events: {
    billed: event({ data: Sale, key: (d) => d.sale }),
    credited: event({ data: Sale, key: (d) => d.sale }),
  },
})

export const Invoices = contract('invoices', {
  events: { issued: event({ data: z.object({ sale: z.string(), number: z.string() }), key: (d) => d.sale }) },
})
