import { contract, event } from 'skerry'
import { z } from 'zod'

export const Portal = contract('portal', {
  events: {
    claimed: event({
      data: z.object({ name: z.string(), user: z.string(), asked: z.int().min(1) }),
      key: (d) => d.name,
    }),
    closed: event({ data: z.object({ user: z.string() }), key: (d) => d.user }),
  },
})

export const Names = contract('names', { events: {} })
