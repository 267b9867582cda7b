import { call, contract, event } from 'skerry'
import { z } from 'zod'

const Seats = z.object({ show: z.string(), seats: z.number().int().min(1) })

/** What a box office says, and what it answers. */
export const Office = contract('office', {
  events: {
    sold: event({ data: Seats, key: (d) => d.show }),
  },
  calls: {
    buy: call({
      http: 'POST /shows/{show}/tickets',
      input: Seats,
      output: z.object({ show: z.string(), seats: z.array(z.number()) }),
      errors: { soldOut: { data: z.object({ left: z.number() }) } },
    }),
    left: call({
      http: 'GET /shows/{show}',
      input: z.object({ show: z.string() }),
      output: z.object({ left: z.number() }),
    }),
  },
})
