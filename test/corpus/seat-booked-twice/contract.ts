import { contract, event } from 'skerry'
import { z } from 'zod'

const Seat = z.object({ seat: z.string(), person: z.string() })

export const BoxOffice = contract('boxoffice', {
  events: {
    asked: event({ data: Seat, key: (d) => d.person }),
    givenBack: event({ data: Seat, key: (d) => d.person }),
  },
})

export const Seats = contract('seats', {
  events: { booked: event({ data: Seat, key: (d) => d.seat }), taken: event({ data: Seat, key: (d) => d.person }) },
})
