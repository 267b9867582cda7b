import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Up } from './protocol.ts'
import { Decoder, encode } from './wire.ts'

const texts = fc.string({ unit: 'binary', maxLength: 300 })

const messages: fc.Arbitrary<Up> = fc.oneof(
  fc.record({
    kind: fc.constant('append' as const),
    seq: fc.nat(),
    batches: fc.array(
      fc.record({ stream: texts, producer: texts, after: fc.nat(), first: fc.nat(), count: fc.nat(), frame: texts }),
      { maxLength: 4 },
    ),
  }),
  fc.record({ kind: fc.constant('pong' as const) }),
  fc.record({ kind: fc.constant('silent' as const), silent: fc.boolean() }),
  fc.record({ kind: fc.constant('marks' as const), marks: fc.dictionary(texts, fc.dictionary(texts, fc.nat())) }),
)

test('messages arrive as they were sent, however the bytes are cut', () =>
  fc.assert(
    fc.property(
      fc.array(messages, { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
      (sent, cuts) => {
        const bytes = Buffer.concat(sent.map((message) => encode(message)))
        const decoder = new Decoder<Up>()
        const received: Up[] = []
        let at = 0
        for (let n = 0; at < bytes.length; n++) {
          const end = at + (cuts[n % cuts.length] as number)
          received.push(...decoder.push(bytes.subarray(at, end)))
          at = end
        }
        assert.deepEqual(JSON.parse(JSON.stringify(received)), JSON.parse(JSON.stringify(sent)))
      },
    ),
  ))

test('what cannot be a message of ours is refused', () => {
  assert.throws(() => new Decoder().push(Buffer.from('GET / HTTP/1.1\r\n\r\n')), { code: 'io_error' })
})
