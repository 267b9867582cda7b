import { contract, event } from 'skerry'
import { z } from 'zod'

export const Crm = contract('crm', {
  events: {
    moved: event({
      data: z.object({ customer: z.string(), version: z.int().min(1), address: z.string() }),
      key: (d) => d.customer,
    }),
    removed: event({ data: z.object({ customer: z.string(), version: z.int().min(1) }), key: (d) => d.customer }),
  },
})

export const Parcels = contract('parcels', { events: {} })
