import { type HandleContext, service } from 'skerry'
import { Loyal, Orders } from '../contract.ts'

const sql = `create table customer (id text primary key, euros integer not null, blocked integer not null default 0);
  create table best (one integer primary key, customer text, euros integer not null);
  insert into best values (1, null, 0)`

export const loyal = service(Loyal, {
  projection: true,
  migrations: [{ number: 1, name: 'customer', additive: true, sql }],
})

async function add(tx: HandleContext, customer: string, euros: number): Promise<void> {
  await tx.sql`
    insert into customer (id, euros) values (${customer}, ${euros})
    on conflict (id) do update set euros = customer.euros + excluded.euros`
}

loyal
  .subscribe('best', { from: 'start' })
  .on(Orders.paid, async (tx, { data }) => {
    await add(tx, data.customer, data.euros)
    await tx.sql`
      update best set customer = customer.id, euros = customer.euros from customer
      where customer.id = ${data.customer} and customer.blocked = 0 and customer.euros > best.euros`
  })
  .on(Orders.returned, (tx, { data }) => add(tx, data.customer, -data.euros))
  .on(Orders.blocked, async (tx, { data }) => {
    await tx.sql`
      insert into customer (id, euros, blocked) values (${data.customer}, 0, 1)
      on conflict (id) do update set blocked = 1`
    await tx.sql`update best set customer = null, euros = 0 where customer = ${data.customer}`
  })
