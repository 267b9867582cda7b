import { contract, event } from 'skerry'
import { z } from 'zod'

const Run = z.object({ job: z.string(), rows: z.int() })

export const Cron = contract('cron', {
  events: {
    nightly: event({ data: Run, key: (d) => d.job }),
    weekly: event({ data: Run, key: (d) => d.job }),
    byHand: event({ data: Run, key: (d) => d.job }),
  },
})

export const Jobs = contract('jobs', { events: {} })

export const sql = `create table nightly (event text primary key, job text not null, rows integer not null);
  create table weekly (event text primary key, job text not null, rows integer not null);
  create table by_hand (event text primary key, job text not null, rows integer not null)`
