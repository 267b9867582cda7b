import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readAbout, readPriority } from '../server/headers.ts'
import { withSaid } from './about.ts'

const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

test('a server reads what a caller says, whatever its key is made of', () => {
  const keys = fc.string({ unit: fc.integer({ min: 32, max: 126 }).map((c) => String.fromCharCode(c)), minLength: 1 })
  fc.assert(
    fc.property(keys, fc.constantFrom('normal' as const, 'low' as const), (key, priority) => {
      const headers = withSaid({ 'content-type': 'application/json' }, { from: 'till', key, priority, trace })
      assert.equal(headers['content-type'], 'application/json')
      const { deadlineMs: _, ...about } = readAbout(headers)
      assert.deepEqual(about, { from: 'till', key, attributes: { traceparent: trace } })
      assert.equal(readPriority(headers), priority)
    }),
  )
})

test('what is not said has no header, and headers that were there stay as they are', () => {
  const before = Object.freeze({ 'content-type': 'application/json' })
  assert.deepEqual(withSaid(before, { from: undefined, key: undefined, priority: undefined }), before)
})
