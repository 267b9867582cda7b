import { type HandleContext, service } from 'skerry'
import { Client, Scheduler, Worker } from '../contract.ts'

const sql = 'create table job (id text primary key, rank integer not null)'

export const scheduler = service(Scheduler, { migrations: [{ number: 1, name: 'job', additive: true, sql }] })

const ranks = { waiting: 0, assigned: 1, done: 2, failed: 3 }

async function raise(tx: HandleContext, job: string, state: keyof typeof ranks): Promise<void> {
  await tx.sql`
    insert into job (id, rank) values (${job}, ${ranks[state]})
    on conflict (id) do update set rank = max(job.rank, excluded.rank)`
}

scheduler
  .subscribe('jobs', { from: 'start' })
  .on(Client.submitted, async (tx, { data }) => {
    await raise(tx, data.job, 'waiting')
    await tx.publish(Scheduler.assigned, data)
  })
  .on(Scheduler.assigned, (tx, { data }) => raise(tx, data.job, 'assigned'))
  .on(Worker.done, (tx, { data }) => raise(tx, data.job, 'done'))
  .on(Worker.failed, (tx, { data }) => raise(tx, data.job, 'failed'))
