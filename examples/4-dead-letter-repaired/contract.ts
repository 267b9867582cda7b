import { contract, event } from 'skerry'
import { z } from 'zod'

/** What the buyers' office says: events only, published from outside. */
export const Office = contract('office', {
  events: {
    priced: event({ data: z.object({ item: z.string(), price: z.string() }), key: (d) => d.item }),
  },
})
