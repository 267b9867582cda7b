import { contract, event } from 'skerry'
import { z } from 'zod'

/** What customers do: events only, published from outside. */
export const Website = contract('website', {
  events: {
    ordered: event({ data: z.object({ order: z.string(), item: z.string() }), key: (d) => d.order }),
  },
})
