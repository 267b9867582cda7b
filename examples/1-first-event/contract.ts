import { contract, event } from 'skerry'
import { z } from 'zod'

/** What the door says: events only, published from outside. */
export const Door = contract('door', {
  events: {
    opened: event({ data: z.object({ visitor: z.string().min(1) }), key: (d) => d.visitor }),
  },
})
