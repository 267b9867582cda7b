import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressOf } from './address.ts'
import { eventsOf, namesOf, ownersOf, streamFilter } from './names.ts'

const names = namesOf('shop')

test('any name is one part of a subject, and comes out of it as it went in', () => {
  for (const name of ['orders', 'a.b', '*', '>', 'ear/ears', 'naïve ☃', '%2E', "it's (1)!~"]) {
    const subject = eventsOf(names, name, 'p')
    assert.deepEqual([subject.split('.').length, ownersOf(subject)?.stream], [5, name])
    assert.doesNotMatch(subject.slice('skerry.shop.e.'.length), /[\s*>]/)
  }
  assert.equal(streamFilter(names, 'orders'), 'skerry.shop.e.orders.*')
})

test('names that cannot be part of a subject are refused', () => {
  for (const name of ['', '\ud800', 'x'.repeat(256)])
    assert.throws(() => eventsOf(names, name, 'p'), { code: 'invalid_config' })
  assert.throws(() => namesOf(''), { code: 'invalid_config' })
})

test('what is no event belongs to nobody', () => {
  assert.equal(ownersOf(names.terms), undefined)
  assert.equal(ownersOf('skerry.shop.r.reader.stock'), undefined)
})

test('an address gives servers and credentials, and shows no password', () => {
  const { where, options } = addressOf({ url: 'nats://me:p%40ss@one:4111,nats://two' })
  assert.equal(where, 'nats://one:4111,two:4222')
  assert.deepEqual(options, { servers: ['one:4111', 'two:4222'], user: 'me', pass: 'p@ss' })
  assert.deepEqual(addressOf({ url: 'nats://secret@one' }).options, { servers: ['one:4222'], token: 'secret' })
  assert.deepEqual(addressOf({ url: 'tls://one' }).options, { servers: ['one:4222'], tls: {} })
  assert.deepEqual(addressOf({ url: 'one', user: 'me', password: 'x' }).options, {
    servers: ['one:4222'],
    user: 'me',
    pass: 'x',
  })
  for (const url of ['', 'amqp://one', 'nats://'])
    assert.throws(() => addressOf({ url }), { code: 'invalid_config' }, url)
})
