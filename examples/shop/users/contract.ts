import { contract, event } from 'skerry'
import { z } from 'zod'

export const Users = contract('users', {
  events: {
    /** Once for each customer, when first seen. */
    registered: event({
      data: z.object({ customer: z.string(), country: z.string(), firstSeen: z.string() }),
      key: (d) => d.customer,
    }),
  },
})
