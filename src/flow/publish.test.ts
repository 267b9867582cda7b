import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Batch, Bus } from '../bus/bus.ts'
import { type ErrorCode, SkerryError } from '../errors.ts'
import type { EventRecord } from '../event.ts'
import { decodeFrame } from '../frame.ts'
import { VirtualClock } from '../time.ts'
import { Publisher, type PublisherOptions } from './publish.ts'

/** A bus that keeps to the port, as far as publishers see it, and fails as told. */
class FakeBus {
  readonly batches: Batch[] = []
  readonly stored: string[] = []
  readonly marks = new Map<string, number>()
  /** What to do with the next appends, in order; `lost`: store it, and fail all the same. */
  readonly plan: (ErrorCode | 'lost')[] = []
  held: Promise<void> | undefined

  async append(batch: Batch): Promise<void> {
    this.batches.push(batch)
    await this.held
    const step = this.plan.shift()
    if (step !== undefined && step !== 'lost') throw new SkerryError(step, 'planned')
    const mark = this.marks.get(batch.producer) ?? 0
    if (batch.after > mark) throw new SkerryError('conflict', 'an earlier batch is missing')
    const records = decodeFrame(batch.frame)
    assert.equal(records.length, batch.count)
    for (const [i, record] of records.entries()) if (batch.first + i > mark) this.stored.push(record.id)
    this.marks.set(batch.producer, Math.max(mark, batch.first + batch.count - 1))
    if (step === 'lost') throw new SkerryError('io_error', 'the answer was lost')
  }

  async producerMark(producer: string): Promise<number> {
    return this.marks.get(producer) ?? 0
  }
}

function publishing(options: Partial<PublisherOptions> = {}, mark = 0) {
  const bus = new FakeBus()
  const clock = new VirtualClock()
  const publisher = new Publisher({ bus: bus as unknown as Bus, clock, stream: 's', producer: 'p', ...options }, mark)
  return { bus, clock, publisher }
}

const happened = (id: string, data = '{}'): EventRecord => ({
  ...{ id, type: 'happened', version: 1, key: '', time: 0, due: 0, expires: 0, attributes: undefined, data },
})
const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i + 1}`)

test('events published in one moment travel in one append, in their order', async () => {
  const { bus, publisher } = publishing()
  await Promise.all(ids(50).map((id) => publisher.publish(happened(id))))
  assert.equal(bus.batches.length, 1)
  assert.deepEqual(bus.stored, ids(50))
  assert.equal(publisher.sent, 50)
})

test('events published while an append is under way wait for it, and go together', async () => {
  const { bus, publisher } = publishing()
  const gate = Promise.withResolvers<void>()
  bus.held = gate.promise
  const first = publisher.publish(happened('1'))
  await new Promise(setImmediate)
  const rest = ids(9).map((id) => publisher.publish(happened(`later ${id}`)))
  await new Promise(setImmediate)
  assert.equal(bus.batches.length, 1, 'one append at a time')
  gate.resolve()
  await Promise.all([first, ...rest])
  assert.deepEqual(
    bus.batches.map(({ after, first: number, count }) => [after, number, count]),
    [
      [0, 1, 1],
      [1, 2, 9],
    ],
  )
})

test('an append holds no more text than its limit, but always one event', async () => {
  const { bus, publisher } = publishing()
  const large = JSON.stringify('x'.repeat(200 * 1024))
  const larger = JSON.stringify('x'.repeat(900 * 1024))
  await Promise.all([large, large, larger, large].map((data, i) => publisher.publish(happened(`${i}`, data))))
  assert.deepEqual(
    bus.batches.map((batch) => batch.count),
    [1, 1, 1, 1],
  )
  assert.deepEqual(bus.stored, ['0', '1', '2', '3'])
})

test('publishing resolves only once the bus has the event', async () => {
  const { bus, publisher } = publishing()
  const gate = Promise.withResolvers<void>()
  bus.held = gate.promise
  let resolved = false
  const publish = publisher.publish(happened('1')).then(() => {
    resolved = true
  })
  await new Promise(setImmediate)
  assert.equal(resolved, false)
  gate.resolve()
  await publish
})

test('it goes on from its mark', async () => {
  const { bus, publisher } = publishing({}, 7)
  bus.marks.set('p', 7)
  await publisher.publish(happened('8'))
  assert.deepEqual(
    bus.batches.map(({ after, first }) => [after, first]),
    [[7, 8]],
  )
})

test('while the bus has no room, or nobody writes, it tries the same batch again', async () => {
  const { bus, clock, publisher } = publishing()
  bus.plan.push('overloaded', 'unavailable', 'overloaded')
  const all = Promise.all(ids(3).map((id) => publisher.publish(happened(id))))
  await clock.advance(10_000)
  await all
  assert.equal(bus.batches.length, 4)
  assert.equal(new Set(bus.batches.map((batch) => JSON.stringify(batch))).size, 1)
  assert.deepEqual(bus.stored, ids(3))
})

test('after its patience it gives up, with all that stands behind, and goes on afterwards', async () => {
  const { bus, clock, publisher } = publishing({ patienceMs: 1000 })
  bus.plan.push(...Array<ErrorCode>(100).fill('overloaded'))
  const all = ids(3).map((id) => assert.rejects(publisher.publish(happened(id)), { code: 'overloaded' }))
  await clock.advance(2000)
  await Promise.all(all)
  assert.ok(clock.pending === 0 && bus.batches.length < 50)
  bus.plan.length = 0
  await publisher.publish(happened('after'))
  assert.deepEqual(bus.stored, ['after'])
  assert.equal(publisher.sent, 1, 'nothing was written, so its number is free')
})

test('numbers whose fate is unknown are never given to other events', async () => {
  let name = 0
  const { bus, publisher } = publishing({ producer: 'p0', rename: () => `p${++name}` })
  bus.plan.push('io_error')
  await assert.rejects(publisher.publish(happened('lost?')), { code: 'io_error' })
  await publisher.publish(happened('next'))
  // The first batch arrives after all, late.
  const late = bus.batches[0] as Batch
  await bus.append(late)
  assert.deepEqual(bus.stored, ['next', 'lost?'])
})

test('one that numbers by content goes on from the mark, and stores nothing twice', async () => {
  const { bus, publisher } = publishing()
  bus.plan.push('lost')
  await assert.rejects(publisher.publish(happened('1')), { code: 'io_error' })
  await publisher.drained()
  assert.equal(publisher.sent, 1)
  await publisher.publish(happened('2'))
  assert.deepEqual(bus.stored, ['1', '2'])
})

test('whoever is refused early finds the publisher in order again', async () => {
  const { bus, publisher } = publishing()
  bus.plan.push('lost')
  const again = publisher.publish(happened('1')).catch(() => publisher.publish(happened('2')))
  await again
  assert.deepEqual(bus.stored, ['1', '2'])
  assert.equal(publisher.sent, 2)
})

test('more than its limit may not wait: the next one is refused at once, and nothing is dropped in silence', async () => {
  const { bus, publisher } = publishing({ limit: 10 })
  const gate = Promise.withResolvers<void>()
  bus.held = gate.promise
  const waiting = ids(10).map((id) => publisher.publish(happened(id)))
  await assert.rejects(publisher.publish(happened('11')), { code: 'overloaded', message: /10 events wait/ })
  gate.resolve()
  await Promise.all(waiting)
  await publisher.publish(happened('12'))
  assert.deepEqual(bus.stored, [...ids(10), '12'])
})

test('drained resolves when all was confirmed or refused', async () => {
  const { bus, publisher } = publishing()
  const all = Promise.all(ids(5).map((id) => publisher.publish(happened(id))))
  await publisher.drained()
  assert.deepEqual(bus.stored, ids(5))
  await all
  await publisher.drained()
})
