import { service } from 'skerry'
import { Client, Scheduler, Worker } from '../contract.ts'

const sql = 'create table job (id text primary key, state text not null)'

export const scheduler = service(Scheduler, { migrations: [{ number: 1, name: 'job', additive: true, sql }] })

scheduler
  .subscribe('jobs', { from: 'start' })
  .on(Client.submitted, async (tx, { data }) => {
    await tx.sql`insert into job (id, state) values (${data.job}, 'waiting')`
    await tx.publish(Scheduler.assigned, data)
  })
  .on(Scheduler.assigned, async (tx, { data }) => {
    await tx.sql`update job set state = 'assigned' where id = ${data.job}`
  })
  .on(Worker.done, async (tx, { data }) => {
    await tx.sql`update job set state = 'done' where id = ${data.job}`
  })
  .on(Worker.failed, async (tx, { data }) => {
    await tx.sql`update job set state = 'failed' where id = ${data.job}`
  })
