import type { CallContext, CallRequest, InputOfCall, PrepareContext, ReadContext, Refusal } from 'skerry'
import { Carts } from '../../carts/contract.ts'
import { Users } from '../../users/contract.ts'
import { cancelLines } from '../cancel.ts'
import { Orders } from '../contract.ts'

type Tx = CallContext<'orders'>
type Placing = CallRequest<InputOfCall<typeof Orders.place>>
type Cancelling = CallRequest<InputOfCall<typeof Orders.cancel>>

/** Who it is, as the users service knows. */
async function customerOf(ctx: PrepareContext, token: string, loggedOut: () => Refusal): Promise<string> {
  try {
    return (await ctx.call(Users.whoIs, { token })).customer
  } catch (error) {
    throw Users.whoIs.refused(error, 'loggedOut') ? loggedOut() : error
  }
}

/** Lines are known by the request: the same whenever it comes again. */
const named = <Line>(lines: readonly Line[], request: string) =>
  lines.map((line, at) => ({ line: `${request}/${at + 1}`, ...line }))

/**
 * The cart is checked out by its own service, once for this request; what it says then puts the lines here, as it does for everybody
 * who checks out a cart.
 */
export const place = {
  async prepare(ctx: PrepareContext, { id, input: { token, cart, lines } }: Placing) {
    const customer = await customerOf(ctx, token, () => Orders.place.refuse('loggedOut'))
    await ctx.call(Carts.checkOut, { cart, customer, lines: named(lines, id) })
  },
  async handle(tx: Tx, { input: { cart } }: Placing) {
    await tx.sql`insert into orders (id, lines, value) values (${cart}, 0, 0) on conflict (id) do nothing`
    return { order: cart }
  },
}

export const cancel = {
  prepare: (ctx: PrepareContext, { input }: Cancelling) =>
    customerOf(ctx, input.token, () => Orders.cancel.refuse('loggedOut')),
  async handle(tx: Tx, { id, time, input }: Cancelling, customer: string) {
    await cancelLines(tx, { time, data: { cancellation: id, customer, lines: named(input.lines, id) } })
    return { cancellation: id }
  },
}

export async function view(tx: ReadContext, { input: { order } }: CallRequest<InputOfCall<typeof Orders.view>>) {
  const [found] = await tx.sql<{ value: number }>`select value from orders where id = ${order}`
  if (!found) throw Orders.view.refuse('unknown')
  const rows = await tx.sql<{ line: string; stock_code: string; quantity: number; value: number }>`
    select line, stock_code, quantity, value from order_line where document = ${order} order by line`
  const lines = rows.map(({ line, stock_code, quantity, value }) => ({
    ...{ line, stockCode: stock_code, quantity: Number(quantity), value: Number(value) },
  }))
  return { order, lines, value: Number(found.value) }
}
