import assert from 'node:assert/strict'
import { test } from 'node:test'
import { placeOf } from './places.ts'

test('without a URL the embedded engine is used', () => {
  assert.deepEqual(placeOf('bus', undefined, '.skerry/bus.db'), {
    engine: 'sqlite',
    url: 'sqlite:.skerry/bus.db',
    shown: '.skerry/bus.db',
    path: '.skerry/bus.db',
  })
})

test('the scheme of a URL names the engine', () => {
  const engine = (url: string): string => placeOf('bus', url, '').engine
  assert.equal(engine('postgresql://h/d'), 'postgres')
  assert.equal(engine('tls://h:4222'), 'nats')
  assert.equal(engine('amqps://h/v'), 'rabbitmq')
  assert.equal(engine('kafka://a:1,b:2'), 'kafka')
})

test('an embedded URL is a path, absolute or not', () => {
  for (const [url, path] of [
    ['sqlite:data/bus.db', 'data/bus.db'],
    ['sqlite:/data/bus.db', '/data/bus.db'],
    ['sqlite:///data/bus.db', '/data/bus.db'],
    ['sqlite://./bus.db', './bus.db'],
  ] as const)
    assert.equal(placeOf('bus', url, '').path, path)
})

test('an unknown scheme is refused, naming what is known and no password', () => {
  const refused = (what: 'bus' | 'store', url: string): string => {
    try {
      placeOf(what as 'bus', url, '')
    } catch (error) {
      return String(error)
    }
    return assert.fail()
  }
  assert.match(
    refused('bus', 'redis://user:secret@host'),
    /bus 'redis:\/\/host': no bus on 'redis'; did you mean '\w+'\? Use sqlite:<file>/,
  )
  assert.match(
    refused('store', 'nats://host'),
    /store 'nats:\/\/host': no store on 'nats'; did you mean '\w+'\? Use sqlite:<folder>, postgres/,
  )
  assert.match(refused('bus', 'data'), /not a URL/)
  assert.doesNotMatch(refused('bus', 'redis://user:secret@host'), /secret/)
})
