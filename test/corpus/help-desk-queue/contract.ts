import { contract, event } from 'skerry'
import { z } from 'zod'

const Ticket = z.object({ ticket: z.string() })

export const Support = contract('support', {
  events: {
    opened: event({ data: Ticket, key: (d) => d.ticket }),
    closed: event({ data: Ticket, key: (d) => d.ticket }),
    free: event({ data: z.object({ agent: z.string() }), key: (d) => d.agent }),
  },
})

export const Desk = contract('desk', {
  events: { assigned: event({ data: z.object({ ticket: z.string(), agent: z.string() }), key: (d) => d.ticket }) },
})

export const sql = `create table ticket (id text primary key, opened integer not null default 0,
    closed integer not null default 0, agent text);
  create table assignment (event text primary key, ticket text not null, agent text not null)`
