import type { HandleContext, ReceivedEvent } from 'skerry'
import type { RetailLine } from '../retail/contract.ts'
import { Inventory } from './contract.ts'

/** Breakage, loss, a count that was wrong: the stock changes although nobody bought anything. */
export async function adjustStock(tx: HandleContext<'inventory'>, { data }: ReceivedEvent<RetailLine>): Promise<void> {
  const { row, invoice, customer, at, stockCode, quantity, unitPrice } = data
  const line = String(row)
  await tx.sql`
    insert into movement (line, kind, stock_code, quantity) values (${line}, 'adjusted', ${stockCode}, ${quantity})`
  await tx.sql`
    insert into stock (stock_code, sold, adjusted) values (${stockCode}, 0, ${quantity})
    on conflict (stock_code) do update set adjusted = stock.adjusted + excluded.adjusted`
  const lines = [{ line, stockCode, quantity, value: quantity * unitPrice }]
  await tx.publish(Inventory.adjusted, { adjustment: invoice, customer, at, lines })
}
