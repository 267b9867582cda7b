import type { DataOf, HandleContext, ReceivedEvent } from 'skerry'
import type { Carts } from '../carts/contract.ts'
import { Orders } from './contract.ts'

/** A cart checked out becomes an order; further lines of the same cart join it, in any order. */
export async function createOrder(
  tx: HandleContext<'orders'>,
  { data }: ReceivedEvent<DataOf<typeof Carts.checkedOut>>,
): Promise<void> {
  const order = data.cart
  const lines = data.lines.map(({ line, stockCode, quantity, unitPrice }) => ({
    line,
    stockCode,
    quantity,
    value: quantity * unitPrice,
  }))
  for (const { line, stockCode, quantity, value } of lines) {
    await tx.sql`
      insert into order_line (line, document, stock_code, quantity, value)
      values (${line}, ${order}, ${stockCode}, ${quantity}, ${value})`
    await tx.sql`
      insert into orders (id, lines, value) values (${order}, 1, ${value})
      on conflict (id) do update set lines = orders.lines + 1, value = orders.value + excluded.value`
  }
  await tx.publish(Orders.placed, { order, customer: data.customer, at: data.at, lines })
}
