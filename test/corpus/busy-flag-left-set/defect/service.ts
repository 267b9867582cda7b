import { service } from 'skerry'
import { Cron, Jobs, sql } from '../contract.ts'

export const jobs = service(Jobs, { migrations: [{ number: 1, name: 'runs', additive: true, sql }] })

const state = jobs.memory(() => ({ busy: false }))

async function alone(work: () => Promise<unknown>): Promise<void> {
  if (state().busy) throw new Error('a job is running')
  state().busy = true
  await work()
  state().busy = false
}

jobs
  .subscribe('runs', { from: 'start' })
  .on(Cron.nightly, (tx, { id, data }) =>
    alone(() => tx.sql`insert into nightly (event, job, rows) values (${id}, ${data.job}, ${data.rows})`),
  )
  .on(Cron.weekly, (tx, { id, data }) =>
    alone(() => tx.sql`insert into weekly (event, job, rows) values (${id}, ${data.job}, ${data.rows})`),
  )
  .on(Cron.byHand, (tx, { id, data }) =>
    alone(() => tx.sql`insert into by_hand (event, job, rows) values (${id}, ${data.job}, ${data.rows})`),
  )
