// What sources and sinks take and give.
import { service } from 'skerry'
import { holds, Orders, type Same, Stock } from './fixtures.ts'

const stock = service(Stock)
const queue = { url: 'amqp://h', queue: 'q', id: 'message-id' } as const

stock.source('old', queue).on(Stock.reserved, (message) => {
  holds<Same<typeof message.text, string>>()
  return message.key === '' ? undefined : { orderId: message.text }
})
// @ts-expect-error: a service publishes only its own events, from foreign topics, too
stock.source('others', queue).on(Orders.placed, () => undefined)
// @ts-expect-error: what a decoder gives must fit the event
stock.source('unfit', queue).on(Stock.reserved, () => ({ orderId: 1 }))
// @ts-expect-error: a stream says from where on
stock.source('stream', { url: 'nats://h', stream: 's' })

stock.sink('till', { url: 'amqp://h', exchange: 'e', from: 'now' }).on(Orders.placed, (event) => {
  holds<Same<typeof event.data, { orderId: string; n: number }>>()
  return { body: event.data.orderId, contentType: 'text/plain' }
})
// @ts-expect-error: a sink says from where on, as every subscription does
stock.sink('unsaid', { url: 'amqp://h', exchange: 'e' })
// @ts-expect-error: an object is no message; it has a body
stock.sink('unsent', { url: 'amqp://h', exchange: 'e', from: 'now' }).on(Orders.placed, ({ data }) => data)
