// What a call accepts, what its handler gets and returns, and what must not pass.
import { call, contract, event, type InputOfCall, type OutputOfCall, service } from 'skerry'
import { z } from 'zod'
import { holds, type Same, Stock } from './fixtures.ts'

const Place = z.object({ sku: z.string(), n: z.number().default(1) })
const View = z.object({ id: z.string(), n: z.number(), note: z.string().default('') })

const Shop = contract('shop', {
  events: { placed: event({ data: z.object({ id: z.string() }) }) },
  calls: {
    place: call({
      input: Place,
      output: View,
      http: 'POST /orders',
      errors: { soldOut: { data: z.object({ left: z.number() }) }, closed: { status: 423 } },
    }),
    view: call({ input: z.object({ id: z.string() }), output: View, http: 'GET /orders/{id}' }),
    count: call({ input: z.object({}), output: z.object({ n: z.number() }), readOnly: true }),
  },
})

// Callers give what the schema takes; handlers get what it makes of that.
holds<Same<InputOfCall<typeof Shop.place>, { sku: string; n?: number | undefined }>>()
holds<Same<OutputOfCall<typeof Shop.place>, { id: string; n: number; note: string }>>()
holds<Same<(typeof Shop.view)['readOnly'], true>>()
holds<Same<(typeof Shop.count)['readOnly'], true>>()
holds<Same<(typeof Shop.place)['readOnly'], false>>()

const shop = service(Shop)

shop.serve(Shop.place, async (tx, request) => {
  holds<Same<typeof request.input, { sku: string; n: number }>>()
  await tx.publish(Shop.placed, { id: tx.id() })
  await tx.cancel(Shop.placed, 'id', 'key')
  // @ts-expect-error: a withdrawal within a call names the key of what it withdraws
  await tx.cancel(Shop.placed, 'id')
  // @ts-expect-error: an event of another service
  await tx.publish(Stock.reserved, { orderId: '' })
  // @ts-expect-error: the outside world belongs into prepare
  await tx.once('charge', async () => 1)
  if (request.input.n > 9) throw Shop.place.refuse('soldOut', { left: 9 })
  if (request.input.n > 8) throw Shop.place.refuse('closed')
  // @ts-expect-error: an error that the contract does not declare
  Shop.place.refuse('soldout', { left: 9 })
  // @ts-expect-error: its data is missing
  Shop.place.refuse('soldOut')
  // @ts-expect-error: it has none
  Shop.place.refuse('closed', { left: 1 })
  return { id: '1', n: request.input.n }
})

shop.serve(Shop.place, {
  prepare: (ctx, request) => ctx.once('charge', async (key) => `${key} ${request.input.sku}`),
  handle: async (_tx, request, receipt) => {
    holds<Same<typeof receipt, string>>()
    return { id: receipt, n: request.input.n }
  },
})

shop.serve(Shop.view, async (tx, { input }) => {
  const rows = await tx.sql<{ n: number }>`select n from orders where id = ${input.id}`
  // @ts-expect-error: what is read-only publishes nothing
  tx.publish
  return { id: input.id, n: rows[0]?.n ?? 0 }
})

// @ts-expect-error: the answer lacks a field
shop.serve(Shop.place, async () => ({ id: '1' }))
// @ts-expect-error: of a wrong type
shop.serve(Shop.count, async () => ({ n: '1' }))
// @ts-expect-error: what is read-only has one step
shop.serve(Shop.view, { prepare: () => 1, handle: () => ({ id: '1', n: 1 }) })
// @ts-expect-error: a call of another service
service(Stock).serve(Shop.place, async () => ({ id: '1', n: 1 }))
// @ts-expect-error: an event is no call
shop.serve(Shop.placed, async () => {})
// @ts-expect-error: nor is a call an event
shop.subscribe('all', { from: 'now' }).on(Shop.place, async () => {})
// @ts-expect-error: a contract has only the calls that it declares
Shop.plaec

export function told(error: unknown): number {
  if (Shop.place.refused(error, 'soldOut')) return error.data.left
  // @ts-expect-error: the contract declares no such error
  if (Shop.place.refused(error, 'lost')) return 1
  return 0
}

// @ts-expect-error: a call has an output
call({ input: Place })
// @ts-expect-error: a route begins with its method
call({ input: Place, output: View, http: '/orders' })
// @ts-expect-error: an unknown method
call({ input: Place, output: View, http: 'FETCH /orders' })
// @ts-expect-error: an unknown option
call({ input: Place, output: View, retries: 3 })
// @ts-expect-error: an error is a status and a schema, not a schema
call({ input: Place, output: View, errors: { soldOut: z.object({ left: z.number() }) } })
contract('twice', {
  events: { placed: event({ data: Place }) },
  // @ts-expect-error: an event and a call may not share a name
  calls: { placed: call({ input: Place, output: View }) },
})
