import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../../time.ts'
import type { Batch } from '../bus.ts'
import { Appender, type Stored } from './appender.ts'

const batch = (after: number, count = 1, more: Partial<Batch> = {}): Batch => ({
  ...{ stream: 's', producer: 'p', after, first: after + 1, count, frame: 'x\ny\n'.repeat(count) },
  ...more,
})
const stored = (batches: readonly Batch[]): Stored[] => batches.map(() => 'stored')

function appender(store: (batches: readonly Batch[]) => Promise<readonly Stored[]>, timeoutMs = 1000) {
  const clock = new VirtualClock()
  const mayPass = (error: unknown): boolean => (error as Error).message === 'away'
  return { clock, it: new Appender({ place: 'here', clock, timeoutMs, store, mayPass }) }
}

test('what is appended in the same moment goes together, and what continues itself as one frame', async () => {
  const sent: Batch[][] = []
  const { it } = appender(async (batches) => {
    sent.push([...batches])
    return stored(batches)
  })
  const other = { producer: 'q' }
  await Promise.all([batch(0), batch(1, 2), batch(0, 1, other), batch(3)].map((b) => it.append(b)))
  assert.deepEqual(
    sent.map((group) => group.map(({ producer, first, count, frame }) => [producer, first, count, frame.length])),
    [
      [
        ['p', 1, 3, 12],
        ['q', 1, 1, 4],
        ['p', 4, 1, 4],
      ],
    ],
  )
})

test('one transaction at a time: what comes meanwhile waits for its end', async () => {
  let inside = 0
  const sizes: number[] = []
  const { it } = appender(async (batches) => {
    assert.equal(++inside, 1)
    sizes.push(batches.length)
    await new Promise((resolve) => setImmediate(resolve))
    inside--
    return stored(batches)
  })
  const first = it.append(batch(0))
  await new Promise((resolve) => process.nextTick(resolve))
  await Promise.all([first, it.append(batch(0, 1, { producer: 'q' })), it.append(batch(0, 1, { producer: 'r' }))])
  assert.deepEqual(sizes, [1, 2])
})

test('while the server is away everything is sent again in its order, until it answers', async () => {
  let answers = false
  const sent: number[][] = []
  const { it, clock } = appender(async (batches) => {
    sent.push(batches.map(({ first }) => first))
    if (!answers) throw new Error('away')
    return stored(batches)
  })
  const appends = [it.append(batch(0)), it.append(batch(5))]
  await clock.advance(300)
  appends.push(it.append(batch(7)))
  answers = true
  await clock.advance(300)
  await Promise.all(appends)
  assert.deepEqual(sent.at(-1), [1, 6, 8])
  assert.ok(sent.length > 2)
  assert.equal(clock.pending, 0)
})

test('each waits for the time-out at most, and is then refused with the cause', async () => {
  const { it, clock } = appender(async () => {
    throw new Error('away')
  })
  const early = assert.rejects(it.append(batch(0)), { code: 'unavailable', message: /^here: .*1\d\d\d ms \(away\)/ })
  await clock.advance(500)
  let refused = false
  const late = it.append(batch(1)).catch(() => {
    refused = true
  })
  await clock.advance(800)
  await early
  assert.equal(refused, false, 'who came later waits longer')
  await clock.advance(800)
  await late
  await it.drained()
})

test('a batch without room, and one after a gap, are refused alone', async () => {
  const { it } = appender(async () => ['full', 'stored', { mark: 3 }])
  const results = await Promise.allSettled(['a', 'b', 'c'].map((producer) => it.append(batch(4, 1, { producer }))))
  assert.deepEqual(
    results.map((r) => (r.status === 'fulfilled' ? 'stored' : r.reason.code)),
    ['overloaded', 'stored', 'conflict'],
  )
})

test('a failure that no repetition mends refuses what was sent, and nothing that came later', async () => {
  let calls = 0
  const { it } = appender(async (batches) => {
    if (calls++ === 0) throw new Error('broken')
    return stored(batches)
  })
  const first = assert.rejects(it.append(batch(0)), { code: 'io_error' })
  await new Promise((resolve) => process.nextTick(resolve))
  await it.append(batch(1))
  await first
})

test('more than 64 MiB in line is refused at once', async () => {
  const { it } = appender(async (batches) => stored(batches))
  const frame = 'x'.repeat(40 * 1024 * 1024)
  const appends = [it.append(batch(0, 1, { frame })), it.append(batch(1, 1, { frame }))]
  await assert.rejects(appends[1] as Promise<void>, { code: 'overloaded' })
  await appends[0]
  await it.append(batch(1, 1, { frame }))
})
