import { service } from 'skerry'
import { Crm, Parcels } from '../contract.ts'

const sql = 'create table address (customer text primary key, version integer not null, line text)'

export const parcels = service(Parcels, {
  projection: true,
  migrations: [{ number: 1, name: 'address', additive: true, sql }],
})

parcels
  .subscribe('addresses', { from: 'start' })
  .on(Crm.moved, async (tx, { data }) => {
    await tx.sql`
      insert into address (customer, version, line) values (${data.customer}, ${data.version}, ${data.address})
      on conflict (customer) do update set version = excluded.version, line = excluded.line
      where excluded.version > address.version`
  })
  // Of a removal and an address of one version, which nobody should send, the removal wins.
  .on(Crm.removed, async (tx, { data }) => {
    await tx.sql`
      insert into address (customer, version, line) values (${data.customer}, ${data.version}, null)
      on conflict (customer) do update set version = excluded.version, line = null
      where excluded.version >= address.version`
  })
