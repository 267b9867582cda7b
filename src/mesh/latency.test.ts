import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readServerTiming, splitLatency, writeServerTiming } from './latency.ts'

const ms = fc.double({ min: 0, max: 1e6, noNaN: true })

test('the parts sum to the whole, and none is negative, whatever the server claims', () => {
  fc.assert(
    fc.property(ms, ms, ms, (totalMs, requestMs, responseMs) => {
      const parts = splitLatency(totalMs, { requestMs, responseMs })
      const sum = parts.requestMs + parts.responseMs + parts.networkMs
      assert.ok(Math.abs(sum - totalMs) <= totalMs * 1e-12, `${sum} for ${totalMs}`)
      assert.ok(parts.requestMs >= 0 && parts.responseMs >= 0 && parts.networkMs >= 0)
    }),
  )
})

test('what the server did not see is the network’s', () => {
  assert.deepEqual(splitLatency(10, { requestMs: 1, responseMs: 6 }), { requestMs: 1, responseMs: 6, networkMs: 3 })
  assert.deepEqual(splitLatency(10, { requestMs: 0, responseMs: 0 }), { requestMs: 0, responseMs: 0, networkMs: 10 })
})

test('a server that claims more than the whole is scaled down to it', () => {
  assert.deepEqual(splitLatency(10, { requestMs: 5, responseMs: 15 }), {
    requestMs: 2.5,
    responseMs: 7.5,
    networkMs: 0,
  })
})

test('what is written is read again, to the microsecond', () => {
  fc.assert(
    fc.property(ms, ms, (requestMs, responseMs) => {
      const read = readServerTiming(writeServerTiming({ requestMs, responseMs }))
      assert.ok(read)
      assert.ok(Math.abs(read.requestMs - requestMs) <= 0.0005001)
      assert.ok(Math.abs(read.responseMs - responseMs) <= 0.0005001)
    }),
  )
  assert.equal(
    writeServerTiming({ requestMs: 0.25, responseMs: 12.3456 }),
    'skerry-request;dur=0.25, skerry-response;dur=12.346',
  )
})

test('metrics of others, parameters and spaces do not disturb', () => {
  const text = 'cache;desc="Cache Read";dur=23.2,skerry-request; desc="x" ; DUR = "1.5" ,db , skerry-response;dur=2'
  assert.deepEqual(readServerTiming(text), { requestMs: 1.5, responseMs: 2 })
})

test('of several the last one counts: the nearest server added it', () => {
  const far = writeServerTiming({ requestMs: 1, responseMs: 2 })
  const near = writeServerTiming({ requestMs: 3, responseMs: 4 })
  assert.deepEqual(readServerTiming(`${far}, ${near}`), { requestMs: 3, responseMs: 4 })
  assert.equal(readServerTiming(`${far}, skerry-request;dur=x`), undefined)
})

test('anything else says nothing', () => {
  const both = (request: string): string => `skerry-request${request}, skerry-response;dur=1`
  for (const bad of ['', ';dur', ';dur=', ';dur=-1', ';dur=1e9', ';dur=NaN', ';dur=1.2.3', ';desc=1'])
    assert.equal(readServerTiming(both(bad)), undefined, bad)
  for (const text of [undefined, '', 'skerry-request;dur=1', 'db;dur=3', `${'x,'.repeat(3000)}${both(';dur=1')}`])
    assert.equal(readServerTiming(text), undefined)
})

test('no text from outside is trouble', () => {
  const part = fc.constantFrom('skerry-request', 'skerry-response', ';', 'dur', '=', '"', ',', '1', '.', ' ')
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(part).map((parts) => parts.join('')),
      ),
      (text) => {
        const read = readServerTiming(text)
        assert.ok(read === undefined || (read.requestMs >= 0 && read.responseMs >= 0))
      },
    ),
  )
})
