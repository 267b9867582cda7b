import { contract, event } from 'skerry'
import { z } from 'zod'

const Money = z.object({ day: z.string(), cents: z.int().min(1) })

export const Till = contract('till', {
  events: {
    sold: event({ data: Money, key: (d) => d.day }),
    refunded: event({ data: Money, key: (d) => d.day }),
    closed: event({ data: z.object({ day: z.string() }), key: (d) => d.day }),
  },
})

export const Takings = contract('takings', { events: {} })
