import { service } from 'skerry'
import { Parcels } from '../parcels/contract.ts'
import { Website } from '../website/contract.ts'
import { Orders } from './contract.ts'

export const orders = service(Orders, { migrations: new URL('./migrations/', import.meta.url) })

orders.subscribe('accept', { from: 'start' }).on(Website.ordered, async (tx, { data }) => {
  await tx.sql`insert into orders (id, item, state) values (${data.order}, ${data.item}, 'accepted')`
  await tx.publish(Orders.accepted, data)
})

orders.subscribe('follow', { from: 'start' }).on(Parcels.sent, async (tx, { data }) => {
  await tx.sql`update orders set state = 'sent' where id = ${data.order}`
})
