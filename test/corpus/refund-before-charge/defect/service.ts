import { service } from 'skerry'
import { Payments, Saga } from '../contract.ts'

const sql = `create table charged (id text primary key, cents integer not null);
  create table refunded (id text primary key)`

export const payments = service(Payments, { migrations: [{ number: 1, name: 'charged', additive: true, sql }] })

payments
  .subscribe('saga', { from: 'start' })
  .on(Saga.charge, async (tx, { data }) => {
    await tx.sql`insert into charged (id, cents) values (${data.order}, ${data.cents})`
  })
  .on(Saga.refund, async (tx, { data }) => {
    await tx.sql`insert into refunded (id) values (${data.order}) on conflict (id) do nothing`
    await tx.sql`delete from charged where id = ${data.order}`
  })
