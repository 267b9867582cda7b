import type { HandleContext, ReceivedEvent } from 'skerry'

/**
 * A cart is the set of its changes: each is kept as a row, with the time at which the shopper made it, and the view
 * `cart_content` adds up what counts. So it does not matter in which order changes arrive: a late `set` or `removed`
 * loses against a newer one, and an addition counts only if it is newer than the last of these.
 */
type Tx = Pick<HandleContext<'carts'>, 'sql'>
/** What was done to a cart: an event, or a call. */
export type Done<Data> = Pick<ReceivedEvent<Data>, 'id' | 'time' | 'data'>
type Change = Done<{ readonly cart: string; readonly stockCode: string }>

export async function addToCart(tx: Tx, event: Done<Change['data'] & { quantity: number }>): Promise<void> {
  await keepChange(tx, event, 'added', event.data.quantity)
}

export async function setInCart(tx: Tx, event: Done<Change['data'] & { quantity: number }>): Promise<void> {
  await keepChange(tx, event, 'set', event.data.quantity)
}

/** A tombstone: it also removes what was added before but arrives later. */
export async function removeFromCart(tx: Tx, event: Change): Promise<void> {
  await keepChange(tx, event, 'set', 0)
}

async function keepChange(tx: Tx, event: Change, kind: 'added' | 'set', quantity: number): Promise<void> {
  const { cart, stockCode } = event.data
  await tx.sql`
    insert into cart_change (event, cart, stock_code, kind, quantity, stamp)
    values (${event.id}, ${cart}, ${stockCode}, ${kind}, ${quantity}, ${stampOf(event)})`
}

/** Orders the changes of a cart: by time, and within a millisecond by id. The same everywhere, whenever asked. */
export function stampOf(event: Done<unknown>): string {
  return `${event.time.toISOString()} ${event.id}`
}
