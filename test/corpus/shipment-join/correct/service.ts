import { type HandleContext, service } from 'skerry'
import { House, Shipping } from '../contract.ts'

const sql = 'create table shipment (id text primary key, parcel text, address text, paid integer not null default 0)'

export const shipping = service(Shipping, { migrations: [{ number: 1, name: 'shipment', additive: true, sql }] })

interface Shipment {
  readonly parcel: string | null
  readonly address: string | null
  readonly paid: number
}

async function sendWhenComplete(tx: HandleContext<'shipping'>, order: string, row?: Shipment): Promise<void> {
  if (row?.parcel && row.address && row.paid)
    await tx.publish(Shipping.sent, { order, parcel: row.parcel, address: row.address })
}

shipping
  .subscribe('join', { from: 'start' })
  .on(House.packed, async (tx, { data }) => {
    const [row] = await tx.sql<Shipment>`
      insert into shipment (id, parcel) values (${data.order}, ${data.parcel})
      on conflict (id) do update set parcel = excluded.parcel returning parcel, address, paid`
    await sendWhenComplete(tx, data.order, row)
  })
  .on(House.addressed, async (tx, { data }) => {
    const [row] = await tx.sql<Shipment>`
      insert into shipment (id, address) values (${data.order}, ${data.address})
      on conflict (id) do update set address = excluded.address returning parcel, address, paid`
    await sendWhenComplete(tx, data.order, row)
  })
  .on(House.paid, async (tx, { data }) => {
    const [row] = await tx.sql<Shipment>`
      insert into shipment (id, paid) values (${data.order}, 1)
      on conflict (id) do update set paid = 1 returning parcel, address, paid`
    await sendWhenComplete(tx, data.order, row)
  })
