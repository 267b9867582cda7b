import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { seededRandom } from '../../../ids.ts'
import { type Asked, Malformed, type Registration, readAsked, readProof, readTold, type Told } from './messages.ts'

const registration: Registration = {
  ...{ service: 'orders', id: 'a', address: 'unix:/run/a.sock', labels: { version: 'v2' }, weight: 0.5 },
  ...{ ready: true, expected: 3, zone: 'north' },
}

const asked: Asked[] = [
  { kind: 'register', registration },
  { kind: 'withdraw', service: 'orders', id: 'a' },
  { kind: 'watch', service: 'orders' },
  { kind: 'unwatch', service: 'orders' },
  { kind: 'list' },
  { kind: 'ping', loads: [{ service: 'orders', id: 'a', load: 7 }] },
]

const endpoint = { id: 'a', address: 'http://a:1', labels: {}, weight: 1 }

const said: Told[] = [
  { kind: 'challenge', protocol: 'skerry-registry/1', nonce: 'n' },
  { kind: 'welcome', mac: 'm' },
  { kind: 'refused', reason: 'why' },
  { kind: 'view', service: 'orders', endpoints: [endpoint], expected: 2, seen: ['a'] },
  { kind: 'view', service: 'orders', endpoints: [] },
  {
    kind: 'listing',
    services: [
      {
        ...{ service: 'orders', settling: false, expected: 1 },
        instances: [{ ...registration, load: 2, loadAgeMs: 10, sinceMs: 20, hiddenBy: 'b' }],
      },
    ],
  },
  { kind: 'ping' },
]

/** Every text that differs from a good one in one value. */
function* damaged(value: unknown, wrong: unknown): Generator<unknown> {
  if (typeof value !== 'object' || value === null) return
  for (const name of Object.keys(value)) {
    const inner = (value as Record<string, unknown>)[name]
    yield { ...value, [name]: wrong }
    for (const one of damaged(inner, wrong))
      yield Array.isArray(value) ? value.map((v, i) => (String(i) === name ? one : v)) : { ...value, [name]: one }
  }
}

describe('messages of a registry', () => {
  test('are read as they were written', () => {
    for (const message of asked) assert.deepEqual(readAsked(JSON.stringify(message)), message)
    for (const message of said) assert.deepEqual(readTold(JSON.stringify(message)), message)
  })

  test('with a value of the wrong type are refused', () => {
    let tried = 0
    for (const message of asked)
      for (const one of damaged(message, false)) {
        // `false` is a readiness.
        if (JSON.stringify(one).includes('"ready":false')) continue
        assert.throws(() => readAsked(JSON.stringify(one)), Malformed, JSON.stringify(one))
        tried++
      }
    assert.ok(tried > 20)
  })

  test('with what nobody can mean are refused', () => {
    const registering = (more: object): string =>
      JSON.stringify({ kind: 'register', registration: { ...registration, ...more } })
    const many = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`l${i}`, '']))
    const wrong = [
      ...[{ weight: -1 }, { expected: -1 }, { expected: 0.5 }, { address: 'nowhere' }, { id: '' }, { labels: many }],
      ...[{ id: 'x'.repeat(257) }, { address: `http://${'x'.repeat(2048)}` }, { labels: { a: 'x'.repeat(257) } }],
    ]
    for (const more of wrong) assert.throws(() => readAsked(registering(more)), Malformed, JSON.stringify(more))
    for (const line of ['', 'x', 'null', '[]', '7', '"list"', '{}', '{"kind":"__proto__"}', '{"kind":"proof"}'])
      assert.throws(() => readAsked(line), Malformed, line)
    assert.throws(() => readProof('{"kind":"list"}'), Malformed)
    assert.throws(() => readAsked('{"__proto__":{"kind":"list"}}'), Malformed)
  })

  test('of any kind of damage are read or refused, and nothing else', () => {
    const random = seededRandom('messages')
    const good = [...asked, ...said].map((message) => JSON.stringify(message))
    let refused = 0
    for (let i = 0; i < 10_000; i++) {
      const text = [...(good[Math.floor(random() * good.length)] as string)]
      for (let n = random() * 4; n > 0; n--)
        text[Math.floor(random() * text.length)] = String.fromCharCode(Math.floor(random() * 128))
      for (const reading of [readAsked, readTold, readProof])
        try {
          reading(text.join(''))
        } catch (error) {
          assert.ok(error instanceof Malformed, String(error))
          refused++
        }
    }
    assert.ok(refused > 10_000)
  })
})
