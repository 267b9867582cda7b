import type { DataOf, HandleContext, ReceivedEvent } from 'skerry'
import type { RetailLine } from '../retail/contract.ts'
import type { Shopper } from '../shopper/contract.ts'
import { type Done, stampOf } from './change.ts'
import { Carts } from './contract.ts'

type Tx = Pick<HandleContext<'carts'>, 'sql' | 'publish'>

/** The shopper buys the lines that were on the screen; whatever was put into the cart up to then is gone from it. */
export async function checkOut(tx: Tx, event: Done<DataOf<typeof Shopper.checkedOut>>): Promise<void> {
  const { cart, customer, lines } = event.data
  await tx.sql`
    insert into cart_change (event, cart, stock_code, kind, quantity, stamp)
    values (${event.id}, ${cart}, '', 'emptied', 0, ${stampOf(event)})`
  await buy(tx, { cart, customer, at: shopTime(event.time), lines })
}

/** At the till of the shop a line is put into the cart, the invoice, and bought in one go. */
export async function checkOutAtTheTill(tx: Tx, { data }: ReceivedEvent<RetailLine>): Promise<void> {
  const { row, invoice, customer, at, stockCode, quantity, unitPrice } = data
  await buy(tx, { cart: invoice, customer, at, lines: [{ line: String(row), stockCode, quantity, unitPrice }] })
}

async function buy(tx: Tx, bought: DataOf<typeof Carts.checkedOut>): Promise<void> {
  for (const { line, stockCode, quantity } of bought.lines)
    await tx.sql`
      insert into bought (line, cart, stock_code, quantity) values (${line}, ${bought.cart}, ${stockCode}, ${quantity})`
  await tx.publish(Carts.checkedOut, bought)
}

/** `2010-12-01 08:26:00`. */
function shopTime(time: Date): string {
  return time.toISOString().slice(0, 19).replace('T', ' ')
}
