import { service } from 'skerry'
import { Carts, Shopper } from '../contract.ts'

const sql = `create table line (cart text, sku text, quantity integer not null, primary key (cart, sku));
  create view cart_content as select cart, sku, quantity from line where quantity > 0`

export const carts = service(Carts, {
  projection: true,
  migrations: [{ number: 1, name: 'line', additive: true, sql }],
})

carts
  .subscribe('lines', { from: 'start' })
  .on(Shopper.added, async (tx, { data }) => {
    await tx.sql`
      insert into line (cart, sku, quantity) values (${data.cart}, ${data.sku}, ${data.quantity})
      on conflict (cart, sku) do update set quantity = line.quantity + excluded.quantity`
  })
  .on(Shopper.takenOut, async (tx, { data }) => {
    await tx.sql`
      insert into line (cart, sku, quantity) values (${data.cart}, ${data.sku}, ${-data.quantity})
      on conflict (cart, sku) do update set quantity = line.quantity + excluded.quantity`
  })
