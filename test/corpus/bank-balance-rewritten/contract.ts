import { contract, event } from 'skerry'
import { z } from 'zod'

const Entry = z.object({ account: z.string(), amount: z.int().min(1) })

export const Teller = contract('teller', {
  events: {
    deposited: event({ data: Entry, key: (d) => d.account }),
    withdrawn: event({ data: Entry, key: (d) => d.account }),
  },
})

export const Bank = contract('bank', { events: {} })

export const sql = `create table account (id text primary key, balance integer not null, version integer not null);
  create table entry (event text primary key, account text not null, amount integer not null);
  insert into account values ('a1', 0, 1), ('a2', 0, 1)`
