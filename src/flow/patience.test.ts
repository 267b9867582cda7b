import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ErrorCode, SkerryError } from '../errors.ts'
import { systemClock } from '../time.ts'
import { thoughAway, whileBusy } from './patience.ts'

/** Fails with these, one after another, then succeeds; counts its calls. */
function failing(...codes: ErrorCode[]) {
  let calls = 0
  const work = async (): Promise<number> => {
    const code = codes[calls++]
    if (code) throw new SkerryError(code, 'not now')
    return calls
  }
  return { work, calls: () => calls }
}

const deadline = (ms: number): number => systemClock.monotonic() + ms

test('a store that is busy is asked again until it is free', async () => {
  assert.equal(await whileBusy(systemClock, deadline(5000), failing('store_busy', 'store_busy').work), 3)
})

test('at the deadline it stays busy', async () => {
  const { work, calls } = failing('store_busy', 'store_busy', 'store_busy')
  await assert.rejects(whileBusy(systemClock, deadline(0), work), { code: 'store_busy' })
  assert.equal(calls(), 1)
})

test('nothing else is waited for', async () => {
  const { work, calls } = failing('log_changed')
  await assert.rejects(whileBusy(systemClock, deadline(5000), work), { code: 'log_changed' })
  assert.equal(calls(), 1)
})

test('an engine that is away fails its own question only', async () => {
  const gone = new SkerryError('unavailable', 'the server is away')
  const news = await thoughAway([() => Promise.reject(gone), async () => true])
  assert.deepEqual(news, { moved: true, away: gone })
  assert.deepEqual(await thoughAway([async () => {}]), { moved: false, away: undefined })
  await assert.rejects(thoughAway([failing('disk_full').work as () => Promise<never>]), { code: 'disk_full' })
})
