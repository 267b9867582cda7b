import { service } from 'skerry'
import { House, Shipping } from '../contract.ts'

const sql = 'create table shipment (id text primary key, parcel text, address text, paid integer not null default 0)'

export const shipping = service(Shipping, { migrations: [{ number: 1, name: 'shipment', additive: true, sql }] })

shipping
  .subscribe('join', { from: 'start' })
  .on(House.packed, async (tx, { data }) => {
    await tx.sql`
      insert into shipment (id, parcel) values (${data.order}, ${data.parcel})
      on conflict (id) do update set parcel = excluded.parcel`
  })
  .on(House.addressed, async (tx, { data }) => {
    await tx.sql`
      insert into shipment (id, address) values (${data.order}, ${data.address})
      on conflict (id) do update set address = excluded.address`
  })
  .on(House.paid, async (tx, { data }) => {
    const [row] = await tx.sql<{ parcel: string | null; address: string | null }>`
      insert into shipment (id, paid) values (${data.order}, 1)
      on conflict (id) do update set paid = 1 returning parcel, address`
    if (row?.parcel && row.address)
      await tx.publish(Shipping.sent, { order: data.order, parcel: row.parcel, address: row.address })
  })
