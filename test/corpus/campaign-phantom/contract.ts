import { contract, event } from 'skerry'
import { z } from 'zod'

export const Merchant = contract('merchant', {
  events: {
    listed: event({ data: z.object({ sku: z.string(), shelf: z.string() }), key: (d) => d.sku }),
    reduced: event({ data: z.object({ shelf: z.string(), percent: z.int().min(5) }), key: (d) => d.shelf }),
  },
})

export const Catalogue = contract('catalogue', { events: {} })
