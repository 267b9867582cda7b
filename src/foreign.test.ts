import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { contract, event } from './contract.ts'
import { codeOf } from './errors.ts'
import { declareSource, describePlace, foreignPlace, type SourceOptions } from './foreign.ts'
import { type ServiceOptions, type SinkOptions, service } from './service.ts'

const Mirror = contract('mirror', { events: { ordered: event({ data: z.object({ n: z.number() }) }) } })

const refused = (work: () => unknown, message: RegExp): void => {
  assert.throws(work, (error: Error) => codeOf(error) === 'invalid_config' && message.test(error.message))
}

const amqp = 'amqp://me:secret@127.0.0.1'

test('a queue or a subject must say what identifies a message; streams and topics need not', () => {
  refused(() => declareSource('m/s', 's', { url: amqp, queue: 'q' }), /m\/s: say what identifies a message/)
  refused(() => declareSource('m/s', 's', { url: 'nats://h', subject: 'q', id: 'place' }), /has no places/)
  declareSource('m/s', 's', { url: 'nats://h', stream: 'q', from: 'now' })
  declareSource('m/s', 's', { url: 'kafka://h', topic: 'q', from: 'now' })
})

test('what a url cannot have is refused, without its password', () => {
  const wrong = (options: object, message: RegExp): void =>
    refused(() => foreignPlace('m/s', options as SourceOptions), message)
  wrong({ url: amqp, topic: 't' }, /^m\/s: there is no topic at amqp:\/\/127.0.0.1$/)
  wrong({ url: 'kafka://h', queue: 'q' }, /there is no queue at kafka/)
  wrong({ url: 'postgres://h', queue: 'q' }, /there is no queue at postgres/)
  wrong({ url: 'amqp', queue: 'q' }, /its url leads nowhere/)
  wrong({ queue: 'q' }, /it has no url/)
  wrong({ url: amqp }, /name one of queue, subject, stream, topic, exchange/)
  wrong({ url: amqp, queue: 'q', topic: 't' }, /name one of/)
  wrong({ url: amqp, queue: '' }, /its queue has no name/)
})

test('a service has one thing of a name, and one decoder and encoder for a type', () => {
  const one = service(Mirror)
  const source = { url: amqp, queue: 'q', id: 'content' } as const
  const sink = { url: amqp, exchange: '', routingKey: 'q', from: 'now' } as const
  const decoding = one.source('shop', source).on(Mirror.ordered, () => undefined)
  refused(() => decoding.on(Mirror.ordered, () => undefined), /two decoders/)
  const encoding = one.sink('till', sink).on(Mirror.ordered, () => undefined)
  refused(() => encoding.on(Mirror.ordered, () => undefined), /two encoders/)
  refused(() => one.source('till', source), /two subscriptions of one name/)
  refused(() => one.sink('shop', sink), /two subscriptions of one name/)
  refused(() => one.source('a b', source), /use a name of letters/)
  refused(() => one.source('other', { ...source, rememberMs: 1 }), /rememberMs 1 is not within/)
})

test('a projection has neither sources nor sinks, since it touches nothing outside', () => {
  const options: ServiceOptions = { projection: true }
  const sink: SinkOptions = { url: amqp, exchange: 'e', from: 'start' }
  refused(() => service(Mirror, options).source('s', { url: amqp, queue: 'q', id: 'content' }), /a projection/)
  refused(() => service(Mirror, options).sink('s', sink), /a projection/)
})

test('places are described for people', () => {
  const bind = { exchange: 'events', routingKey: 'event' }
  assert.equal(
    describePlace({ url: amqp, queue: 'q', bind, id: 'content' }),
    "queue q, bound to exchange events by 'event', at amqp://127.0.0.1",
  )
  assert.equal(
    describePlace({ url: amqp, exchange: '', routingKey: 'q' }),
    "exchange (default) by 'q', at amqp://127.0.0.1",
  )
  assert.equal(
    describePlace({ url: 'nats://h', stream: 's', filter: 'a.*', from: 'now' }),
    'stream s (a.*), at nats://h',
  )
  assert.equal(describePlace({ url: 'nats://h', subject: 'a', storedIn: 's' }), 'subject a, stored in s, at nats://h')
  assert.equal(describePlace({ url: 'kafka://h', topic: 't' }), 'topic t, at kafka://h')
})
