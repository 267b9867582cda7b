import assert from 'node:assert/strict'
import { test } from 'node:test'
import { above0, keepingOf, within } from './options.ts'

test('an option out of its range is refused by its name, its range and what it was', () => {
  const positive = above0('openBus')
  assert.equal(positive('maxBytes', 1), 1)
  for (const wrong of [0, -1, Number.NaN])
    assert.throws(() => positive('maxBytes', wrong), {
      code: 'invalid_config',
      message: `openBus: maxBytes must be above 0, not ${wrong}`,
    })
  const seconds = within('openBus', 1, 600)
  assert.equal(seconds('heartbeat', 600), 600)
  assert.throws(() => seconds('heartbeat', 601), { message: 'openBus: heartbeat must be from 1 to 600, not 601' })
})

test('a log keeps everything unless it is told otherwise', () => {
  const check = above0('openBus')
  assert.deepEqual(keepingOf({}, check), {
    ...{ ageMs: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY, segmentBytes: 16 * 1024 * 1024 },
  })
  assert.throws(() => keepingOf({ retention: { ageMs: 0 } }, check), { message: /retention.ageMs must be above 0/ })
})
