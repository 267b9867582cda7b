// What handlers get, and what they may do with it.
import { service } from 'skerry'
import { holds, Orders, type Same, Stock } from './fixtures.ts'

const stock = service(Stock)
const all = stock.subscribe('all', { from: 'start', order: 'key' })

all
  .on(Orders.placed, async (tx, event) => {
    // The schema's output: the default is there.
    holds<Same<typeof event.data, { orderId: string; n: number }>>()
    holds<Same<typeof event.time, Date>>()
    holds<Same<typeof event.attempt, number>>()

    const rows = await tx.sql<{ quantity: number }>`select quantity from stock where id = ${event.data.n}`
    const _quantity: number | undefined = rows[0]?.quantity
    // @ts-expect-error: there may be no row
    rows[0].quantity
    // @ts-expect-error: the row has no such column
    rows[0]?.sku
    const bare = await tx.sql`select 1 as one`
    // @ts-expect-error: without a row type a value is unknown
    const _one: number = bare[0]?.one
    const _changes: number = rows.changes

    // @ts-expect-error: sql is a template, never text
    await tx.sql('select 1')
    // @ts-expect-error: the outside world belongs into prepare
    await tx.once('charge', async () => 1)
    // @ts-expect-error: and so do its questions
    await tx.outside('rate', async () => 1)
    // @ts-expect-error: an event is a fact
    event.id = ''
  })
  .on(Orders.noted, (_tx, { data }) => {
    holds<Same<typeof data, { words: number }>>()
  })

// @ts-expect-error: handlers take what the event has
all.on(Orders.placed, async (_tx, event: { data: { orderId: number } }) => void event)

// @ts-expect-error: an event type is no text
all.on('orders.placed', async () => {})

// @ts-expect-error: a handler is needed
all.on(Orders.placed)

// @ts-expect-error: what a handler returns would be lost
all.on(Orders.placed, async () => 7)

// @ts-expect-error: a service is made from a contract, not from a name
service('stock')
