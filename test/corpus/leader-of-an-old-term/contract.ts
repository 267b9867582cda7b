import { contract, event } from 'skerry'
import { z } from 'zod'

const Vote = z.object({ group: z.string(), term: z.int().min(1), node: z.string() })

export const Votes = contract('votes', {
  events: {
    elected: event({ data: Vote, key: (d) => d.group }),
    resigned: event({ data: Vote, key: (d) => d.group }),
  },
})

export const Cluster = contract('cluster', { events: {} })
