import { service } from 'skerry'
import { Cron, Jobs, sql } from '../contract.ts'

export const jobs = service(Jobs, { migrations: [{ number: 1, name: 'runs', additive: true, sql }] })

// One handler at a time holds the store anyway: a flag of one's own has nothing to add.
jobs
  .subscribe('runs', { from: 'start' })
  .on(Cron.nightly, async (tx, { id, data }) => {
    await tx.sql`insert into nightly (event, job, rows) values (${id}, ${data.job}, ${data.rows})`
  })
  .on(Cron.weekly, async (tx, { id, data }) => {
    await tx.sql`insert into weekly (event, job, rows) values (${id}, ${data.job}, ${data.rows})`
  })
  .on(Cron.byHand, async (tx, { id, data }) => {
    await tx.sql`insert into by_hand (event, job, rows) values (${id}, ${data.job}, ${data.rows})`
  })
