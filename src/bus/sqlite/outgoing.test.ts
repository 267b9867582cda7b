import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../../time.ts'
import type { Batch } from '../bus.ts'
import { Outgoing } from './outgoing.ts'

function desk(timeoutMs = 1000) {
  const clock = new VirtualClock()
  const posts: { seq: number; batches: readonly Batch[] }[] = []
  const busy: boolean[] = []
  const outgoing = new Outgoing({
    clock,
    file: 'bus.db',
    timeoutMs,
    post: (seq, batches) => posts.push({ seq, batches }),
    onBusy: (b) => busy.push(b),
  })
  return { clock, posts, busy, outgoing }
}

const one = (number: number, size = 10, producer = 'p'): Batch => ({
  stream: 's',
  producer,
  after: number - 1,
  first: number,
  count: 1,
  frame: 'x'.repeat(size),
})

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const numbers = (batches: readonly Batch[] | undefined): string[] =>
  (batches ?? []).map((b) => `${b.producer}${b.first}+${b.count}`)

test('what is appended at the same time and continues goes as one batch, in one message', async () => {
  const { outgoing, posts, busy } = desk()
  const appends = [one(1), one(2), one(3), one(1, 10, 'q'), one(4), one(6)].map((b) => outgoing.append(b))
  await tick()
  assert.equal(posts.length, 1)
  assert.deepEqual(numbers(posts[0]?.batches), ['p1+3', 'q1+1', 'p4+1', 'p6+1'])
  assert.equal(posts[0]?.batches[0]?.frame.length, 30)
  outgoing.settle(4, [])
  await Promise.all(appends)
  assert.deepEqual(busy, [true, false])
})

test('batches are not joined beyond a size that is good to store', async () => {
  const { outgoing, posts } = desk()
  for (let n = 1; n <= 5; n++) void outgoing.append(one(n, 15_000))
  await tick()
  assert.deepEqual(numbers(posts[0]?.batches), ['p1+2', 'p3+2', 'p5+1'])
})

test('a refusal reaches all whose events were in the batch, and nobody else', async () => {
  const { outgoing } = desk()
  const appends = [one(1), one(2), one(1, 10, 'q')].map((b) => outgoing.append(b))
  await tick()
  outgoing.settle(2, [{ seq: 1, failure: { code: 'conflict', message: 'no' } }])
  const results = (await Promise.allSettled(appends)).map((r) => r.status)
  assert.deepEqual(results, ['rejected', 'rejected', 'fulfilled'])
})

test('no more than a window is on the way; the rest follows what is settled', async () => {
  const { outgoing, posts } = desk()
  const mib = 1024 * 1024
  const appends = Array.from({ length: 20 }, (_, n) => outgoing.append(one(n + 1, mib)))
  await tick()
  assert.equal(posts.length, 1)
  assert.equal(posts[0]?.batches.length, 8)
  outgoing.settle(3, [])
  await tick()
  assert.deepEqual([posts[1]?.seq, posts[1]?.batches.length], [9, 3])
  outgoing.settle(11, [])
  await tick()
  outgoing.settle(19, [])
  await tick()
  outgoing.settle(20, [])
  await Promise.all(appends)
})

test('who appends faster than can be written is refused with overloaded before memory fills', async () => {
  const { outgoing } = desk()
  const mib = 1024 * 1024
  const appends = Array.from({ length: 80 }, (_, n) => outgoing.append(one(n + 1, mib)))
  const refused = await Promise.allSettled(appends.slice(64))
  assert.ok(refused.every((r) => r.status === 'rejected' && r.reason.code === 'overloaded'))
  await tick()
  outgoing.settle(8, [])
  await tick()
  const later = outgoing.append(one(65, mib))
  for (let acked = 16; acked <= 72; acked += 8) {
    outgoing.settle(acked, [])
    await tick()
  }
  await Promise.all([...appends.slice(0, 64), later])
})

test('while nobody writes appends wait, each for as long as the engine waits', async () => {
  const { outgoing, clock, posts } = desk(1000)
  const early = assert.rejects(outgoing.append(one(1)), { code: 'unavailable', message: /bus\.db/ })
  await tick()
  await clock.advance(5000)
  outgoing.silence(true)
  await clock.advance(800)
  const late = outgoing.append(one(2))
  await clock.advance(300)
  await early
  await clock.advance(500)
  outgoing.silence(false)
  await clock.advance(10_000)
  outgoing.settle(2, [])
  await late
  assert.deepEqual(numbers(posts.flatMap((p) => p.batches)), ['p1+1', 'p2+1'])
  assert.equal(clock.pending, 0)
})

test('draining waits for everything that was begun', async () => {
  const { outgoing } = desk()
  await outgoing.drained()
  void outgoing.append(one(1))
  let drained = false
  const draining = outgoing.drained().then(() => {
    drained = true
  })
  await tick()
  assert.equal(drained, false)
  outgoing.settle(1, [])
  await draining
})

test('when the bus breaks, everything fails with the reason', async () => {
  const { outgoing, busy } = desk()
  const sent = outgoing.append(one(1))
  await tick()
  const queued = outgoing.append(one(2))
  outgoing.fail({ code: 'log_changed', message: 'gone' })
  await assert.rejects(sent, { code: 'log_changed' })
  await assert.rejects(queued, { code: 'log_changed' })
  assert.deepEqual(busy, [true, false])
})
