import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultHedge, hedgeAfter, type Pending } from './hedging.ts'

const pending: Pending = { sent: 1, idempotent: true, outermost: true, leftMs: 1000, quantileMs: 40, samples: 100 }
const after = (changes: Partial<Pending>): number | undefined => hedgeAfter({ ...pending, ...changes }, defaultHedge)

test('a second request is sent when the first has taken longer than nineteen of twenty do', () => {
  assert.equal(after({}), 40)
  assert.equal(after({ quantileMs: 1 }), 5)
})

test('there is none for a call that must not happen twice, at an inner hop, or beyond the second', () => {
  assert.equal(after({ idempotent: false }), undefined)
  assert.equal(after({ outermost: false }), undefined)
  assert.equal(after({ sent: 2 }), undefined)
})

test('there is none while nobody knows what is slow', () => {
  assert.equal(after({ samples: 49 }), undefined)
  assert.equal(after({ quantileMs: undefined }), undefined)
})

test('there is none whose answer would be late', () => {
  assert.equal(after({ leftMs: 81 }), 40)
  assert.equal(after({ leftMs: 80 }), undefined)
})
