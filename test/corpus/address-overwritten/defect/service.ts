import { service } from 'skerry'
import { Crm, Parcels } from '../contract.ts'

const sql = 'create table address (customer text primary key, line text not null)'

export const parcels = service(Parcels, {
  projection: true,
  migrations: [{ number: 1, name: 'address', additive: true, sql }],
})

parcels
  .subscribe('addresses', { from: 'start' })
  .on(Crm.moved, async (tx, { data }) => {
    await tx.sql`
      insert into address (customer, line) values (${data.customer}, ${data.address})
      on conflict (customer) do update set line = excluded.line`
  })
  .on(Crm.removed, async (tx, { data }) => {
    await tx.sql`delete from address where customer = ${data.customer}`
  })
