import { contract, event } from 'skerry'
import { z } from 'zod'

const Fact = z.object({ number: z.string(), account: z.string(), cents: z.int().min(1) })

export const Bank = contract('bank', {
  events: {
    paid: event({ data: Fact, key: (d) => d.account }),
    paidBack: event({ data: Fact, key: (d) => d.account }),
    corrected: event({ data: Fact, key: (d) => d.account }),
  },
})

export const Ledger = contract('ledger', { events: {} })

export const sql = `create table account (id text primary key, cents integer not null);
  create table fact (id text primary key, cents integer not null)`
