import type { DataOf, HandleContext, ReceivedEvent } from 'skerry'
import type { RetailLine } from '../retail/contract.ts'
import type { Shopper } from '../shopper/contract.ts'
import { Orders } from './contract.ts'

type Tx = Pick<HandleContext<'orders'>, 'sql' | 'publish'>
type Cancellation = DataOf<typeof Orders.cancelled>

/** A row of an invoice that begins with C: its quantity is negative already. */
export async function cancelAtTheTill(tx: Tx, { data }: ReceivedEvent<RetailLine>): Promise<void> {
  const { row, invoice, stockCode, quantity, unitPrice } = data
  const line = { line: String(row), stockCode, quantity, value: quantity * unitPrice }
  await cancel(tx, { cancellation: invoice, customer: data.customer, at: data.at, lines: [line] })
}

/** A shopper sends lines back, or calls them off. */
export async function cancelLines(
  tx: Tx,
  event: Pick<ReceivedEvent<DataOf<typeof Shopper.cancelled>>, 'time' | 'data'>,
): Promise<void> {
  const { cancellation, customer } = event.data
  const at = event.time.toISOString().slice(0, 19).replace('T', ' ')
  const lines = event.data.lines.map(({ line, stockCode, quantity, unitPrice }) => ({
    line,
    stockCode,
    quantity: -quantity,
    value: -quantity * unitPrice,
  }))
  await cancel(tx, { cancellation, customer, at, lines })
}

/** Asks for no order: most cancellations match none exactly, and some come before theirs. */
async function cancel(tx: Tx, { cancellation, customer, at, lines }: Cancellation): Promise<void> {
  for (const { line, stockCode, quantity, value } of lines) {
    await tx.sql`
      insert into order_line (line, document, stock_code, quantity, value)
      values (${line}, ${cancellation}, ${stockCode}, ${quantity}, ${value})`
    await tx.sql`
      insert into cancellation (id, lines, value) values (${cancellation}, 1, ${value})
      on conflict (id) do update set lines = cancellation.lines + 1, value = cancellation.value + excluded.value`
  }
  await tx.publish(Orders.cancelled, { cancellation, customer, at, lines })
}
