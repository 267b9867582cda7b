import { contract, event } from 'skerry'
import { z } from 'zod'

export const Branch = contract('branch', {
  events: {
    opened: event({ data: z.object({ account: z.string() }), key: (d) => d.account }),
    deposited: event({ data: z.object({ account: z.string(), cents: z.int() }), key: (d) => d.account }),
  },
})

export const Ledger = contract('ledger', { events: {} })

export const sql = 'create table account (id text primary key, cents integer not null)'
