import type { CallContext, CallRequest, InputOfCall, Sql } from 'skerry'
import { addToCart, type Done, removeFromCart, setInCart } from '../change.ts'
import { checkOut as checkOutCart } from '../check-out.ts'
import type { Carts } from '../contract.ts'

type Tx = CallContext<'carts'>
type Request<C extends 'add' | 'set' | 'remove' | 'checkOut'> = CallRequest<InputOfCall<(typeof Carts)[C]>>

/** A call does to a cart what an event does: another change, with the time at which it came. */
const change = <Data>({ id, time, input }: CallRequest<Data>): Done<Data> => ({ id, time, data: input })

export async function add(tx: Tx, request: Request<'add'>) {
  await addToCart(tx, change(request))
  return contentOf(tx, request.input.cart)
}

export async function set(tx: Tx, request: Request<'set'>) {
  await setInCart(tx, change(request))
  return contentOf(tx, request.input.cart)
}

export async function remove(tx: Tx, request: Request<'remove'>) {
  await removeFromCart(tx, change(request))
  return contentOf(tx, request.input.cart)
}

export async function checkOut(tx: Tx, request: Request<'checkOut'>) {
  await checkOutCart(tx, change(request))
  return {}
}

export async function contentOf({ sql }: { readonly sql: Sql }, cart: string) {
  const rows = await sql<{ stock_code: string; quantity: number }>`
    select stock_code, quantity from cart_content where cart = ${cart} order by stock_code`
  return {
    cart,
    lines: rows.map(({ stock_code, quantity }) => ({ stockCode: stock_code, quantity: Number(quantity) })),
  }
}
