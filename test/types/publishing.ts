// A service publishes its own events, and only with data that fits; an outsider gives what the schema takes.
import { type App, type HandleContext, service } from 'skerry'
import { Orders, Stock } from './fixtures.ts'

const stock = service(Stock)

stock.subscribe('own', { from: 'start' }).on(Orders.placed, async (tx, { data }) => {
  const _id: string = await tx.publish(Stock.reserved, { orderId: data.orderId })
  await tx.publish(
    Stock.reserved,
    { orderId: data.orderId },
    { delay: 1000, expires: new Date(0), attributes: { by: 1 } },
  )

  // @ts-expect-error: an event of another service
  await tx.publish(Orders.placed, { orderId: data.orderId })
  // @ts-expect-error: wrong type of a field
  await tx.publish(Stock.reserved, { orderId: 1 })
  // @ts-expect-error: a field is missing
  await tx.publish(Stock.reserved, {})
  // @ts-expect-error: a field too many
  await tx.publish(Stock.reserved, { orderId: '', sku: '' })
  // @ts-expect-error: events have no names as text
  await tx.publish('reserved', { orderId: '' })
  // @ts-expect-error: a delay is milliseconds or a time
  await tx.publish(Stock.reserved, { orderId: '' }, { delay: '1 h' })
  // @ts-expect-error: attributes are text, numbers and booleans
  await tx.publish(Stock.reserved, { orderId: '' }, { attributes: { by: {} } })
  // @ts-expect-error: only its own events can be withdrawn
  await tx.cancel(Orders.placed, 'id')
  await tx.cancel(Stock.reserved, 'id')
})

/** A handler in a file of its own names the service that it works for. */
export async function reserve(tx: HandleContext<'stock'>, order: { orderId: string }): Promise<void> {
  await tx.publish(Stock.reserved, order)
  // @ts-expect-error: there, too, an event of another service
  await tx.publish(Orders.placed, order)
}

service(Orders)
  .subscribe('borrowed', { from: 'now' })
  // @ts-expect-error: a handler that publishes as another service
  .on(Stock.reserved, (tx, { data }) => reserve(tx, data))

export async function outside(app: App): Promise<void> {
  // The default may be left out.
  const _id: string = await app.publish(Orders.placed, { orderId: '1' })
  await app.publish(Orders.noted, { words: 'ten' })
  // @ts-expect-error: what handlers get is not what publishers give
  await app.publish(Orders.noted, { words: 3 })
  // @ts-expect-error: wrong type of a field
  await app.publish(Orders.placed, { orderId: 1 })

  const till = await app.publisher(Orders, 'till')
  await till.publish(1, Orders.placed, { orderId: '1' })
  // @ts-expect-error: a number comes first
  await till.publish(Orders.placed, { orderId: '1' })
  // @ts-expect-error: wrong data here, too
  await till.publish(2, Orders.placed, { n: 1 })
  // @ts-expect-error: the mark belongs to the bus
  till.mark = 7
}
