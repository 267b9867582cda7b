import { service } from 'skerry'
import { Orders } from '../orders/contract.ts'
import { Parcels } from './contract.ts'

export const parcels = service(Parcels, { migrations: new URL('./migrations/', import.meta.url) })

parcels.subscribe('pack', { from: 'start' }).on(Orders.accepted, async (tx, { data }) => {
  const parcel = `parcel of ${data.item}`
  await tx.sql`insert into parcels (contents, for_order) values (${parcel}, ${data.order})`
  await tx.publish(Parcels.sent, { order: data.order, parcel })
})
