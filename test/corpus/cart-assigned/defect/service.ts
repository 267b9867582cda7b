import { service } from 'skerry'
import { Carts, Shopper } from '../contract.ts'

const sql = 'create table line (cart text, sku text, quantity integer not null, primary key (cart, sku))'

export const carts = service(Carts, {
  projection: true,
  migrations: [{ number: 1, name: 'line', additive: true, sql }],
})

carts
  .subscribe('lines', { from: 'start' })
  .on(Shopper.added, async (tx, { data }) => {
    await tx.sql`
      insert into line (cart, sku, quantity) values (${data.cart}, ${data.sku}, ${data.quantity})
      on conflict (cart, sku) do update set quantity = excluded.quantity`
  })
  .on(Shopper.takenOut, async (tx, { data }) => {
    await tx.sql`
      update line set quantity = max(0, quantity - ${data.quantity}) where cart = ${data.cart} and sku = ${data.sku}`
  })
