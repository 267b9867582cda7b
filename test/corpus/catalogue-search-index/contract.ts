import { contract, event } from 'skerry'
import { z } from 'zod'

const sku = z.string()
const version = z.int().min(2)

export const Products = contract('products', {
  events: {
    listed: event({ data: z.object({ sku, name: z.string(), cents: z.int() }), key: (d) => d.sku }),
    renamed: event({ data: z.object({ sku, version, name: z.string() }), key: (d) => d.sku }),
    repriced: event({ data: z.object({ sku, version, cents: z.int() }), key: (d) => d.sku }),
    delisted: event({ data: z.object({ sku }), key: (d) => d.sku }),
  },
})

export const Search = contract('search', { events: {} })
