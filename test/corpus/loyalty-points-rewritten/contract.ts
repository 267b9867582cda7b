import { contract, event } from 'skerry'
import { z } from 'zod'

const Points = z.object({ member: z.string(), points: z.int().min(1) })

export const Card = contract('card', {
  events: {
    earned: event({ data: Points, key: (d) => d.member }),
    spent: event({ data: Points, key: (d) => d.member }),
    expired: event({ data: Points, key: (d) => d.member }),
  },
})

export const Loyalty = contract('loyalty', { events: {} })

export const sql = `create table member (id text primary key, points integer not null);
  create table movement (event text primary key, member text not null, points integer not null)`
