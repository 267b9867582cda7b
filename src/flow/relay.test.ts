import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Batch, Bus } from '../bus/bus.ts'
import { type ErrorCode, SkerryError } from '../errors.ts'
import type { EventRecord } from '../event.ts'
import { decodeFrame } from '../frame.ts'
import { sqliteFixture } from '../store/sqlite/fixture.ts'
import type { Store } from '../store/store.ts'
import type { Fact } from '../telemetry.ts'
import { systemClock } from '../time.ts'
import { clearOutbox, type OutboxFrame, putOutbox } from './outbox.ts'
import { Relay } from './relay.ts'

/** A bus as a relay sees it: it counts each producer's events, and fails as told. */
class FakeBus {
  readonly stored: string[] = []
  readonly plan: (ErrorCode | 'lost')[] = []
  appends = 0
  mark = 0

  async append({ after, first, count, frame }: Batch): Promise<void> {
    this.appends++
    const step = this.plan.shift()
    if (step !== undefined && step !== 'lost') throw new SkerryError(step, 'planned')
    if (after > this.mark) throw new SkerryError('conflict', 'an earlier batch is missing')
    assert.equal(decodeFrame(frame).length, count)
    for (const [i, record] of decodeFrame(frame).entries()) if (first + i > this.mark) this.stored.push(record.id)
    this.mark = Math.max(this.mark, first + count - 1)
    if (step === 'lost') throw new SkerryError('io_error', 'the answer was lost')
  }

  async producerMark(): Promise<number> {
    return this.mark
  }
}

interface World {
  readonly bus: FakeBus
  readonly relay: Relay
  readonly facts: Fact[]
  readonly store: Store
  /** Commits emitted events, `a` to `b`. */
  emit(from: number, to: number): Promise<OutboxFrame>
  anotherRelay(): Relay
}

async function relaying(work: (world: World) => Promise<void>): Promise<void> {
  const fixture = await sqliteFixture()
  const store = await fixture.open()
  const bus = new FakeBus()
  const facts: Fact[] = []
  const relays: Relay[] = []
  const anotherRelay = (): Relay => {
    const options = { bus: bus as unknown as Bus, store, clock: systemClock, stream: 's' }
    const relay = new Relay({ ...options, watcher: (fact) => facts.push(fact) })
    relays.push(relay)
    return relay
  }
  const emit = async (from: number, to: number): Promise<OutboxFrame> => {
    const records = Array.from({ length: to - from + 1 }, (_, i) => happened(`${from + i}`))
    const emitted = await store.write((tx) => putOutbox(tx, records))
    assert.ok(typeof emitted === 'object')
    return emitted
  }
  try {
    await work({ bus, relay: anotherRelay(), facts, store, emit, anotherRelay })
  } finally {
    for (const relay of relays) await relay.stop()
    await store.close()
    await fixture.dispose()
  }
}

const happened = (id: string): EventRecord => ({
  ...{ id, type: 'happened', version: 1, key: '', time: 0, due: 0, expires: 0, attributes: undefined, data: '{}' },
})
const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i + 1}`)

test('what was committed before it began is sent, in order', () =>
  relaying(async ({ bus, relay, emit }) => {
    for (const n of [1, 4, 5]) await emit(n, n === 1 ? 3 : n)
    await relay.activate()
    await relay.drained()
    assert.deepEqual(bus.stored, ids(5))
    assert.equal(relay.sent, 5)
  }))

test('what is offered is sent from memory, and frames that pile up go together', () =>
  relaying(async ({ bus, relay, emit }) => {
    await relay.activate()
    await relay.drained()
    for (let n = 1; n <= 50; n++) relay.offer(await emit(n, n))
    await relay.drained()
    assert.deepEqual(bus.stored, ids(50))
    assert.ok(bus.appends <= 50)
  }))

test('frames that others committed are found between those offered here', () =>
  relaying(async ({ bus, relay, emit }) => {
    await relay.activate()
    relay.offer(await emit(1, 2))
    await emit(3, 4)
    relay.offer(await emit(5, 6))
    await relay.drained()
    assert.deepEqual(bus.stored, ids(6))
  }))

test('it does nothing until it is the one', () =>
  relaying(async ({ bus, relay, emit }) => {
    relay.offer(await emit(1, 2))
    relay.look()
    await relay.drained()
    assert.deepEqual(bus.stored, [])
    await relay.activate()
    await relay.drained()
    assert.deepEqual(bus.stored, ids(2))
    relay.deactivate()
    relay.offer(await emit(3, 4))
    await relay.drained()
    assert.deepEqual(bus.stored, ids(2))
  }))

test('two relays at once send everything once', () =>
  relaying(async ({ bus, relay, emit, anotherRelay }) => {
    const other = anotherRelay()
    for (let n = 1; n <= 20; n++) await emit(n * 5 - 4, n * 5)
    await Promise.all([relay.activate(), other.activate()])
    await Promise.all([relay.drained(), other.drained()])
    assert.deepEqual(bus.stored, ids(100))
  }))

test('a bus that is full, away, or ahead delays it, and nothing is lost or doubled', () =>
  relaying(async ({ bus, relay, facts, emit }) => {
    bus.plan.push('overloaded', 'unavailable', 'lost', 'conflict')
    await relay.activate()
    for (let n = 1; n <= 10; n++) relay.offer(await emit(n, n))
    await relay.drained()
    assert.deepEqual(bus.stored, ids(10))
    assert.deepEqual(
      facts.map((fact) => (fact.kind === 'paused' ? [fact.where, fact.code] : fact.kind)),
      [
        ['relay of s', 'overloaded'],
        ['relay of s', 'unavailable'],
        ['relay of s', 'io_error'],
        ['relay of s', 'conflict'],
      ],
    )
  }))

test('one that was restarted goes on where the bus is, within a frame if need be', () =>
  relaying(async ({ bus, relay, emit, anotherRelay }) => {
    await emit(1, 3)
    await relay.activate()
    await relay.drained()
    await relay.stop()
    await emit(4, 8)
    bus.stored.push('4', '5')
    bus.mark = 5
    const next = anotherRelay()
    await next.activate()
    await next.drained()
    assert.deepEqual(bus.stored, ids(8))
  }))

test('a relay that another one has overtaken asks the bus how far it is, and goes on from there', () =>
  relaying(async ({ bus, relay, store, facts, emit, anotherRelay }) => {
    await relay.activate()
    await relay.drained()
    await emit(1, 3)
    const offered = await emit(4, 5)
    const other = anotherRelay()
    await other.activate()
    await other.drained()
    await store.write((tx) => clearOutbox(tx, other.sent))
    relay.offer(offered)
    await relay.drained()
    assert.deepEqual(bus.stored, ids(5))
    assert.equal(relay.sent, 5)
    assert.deepEqual(
      facts.map((fact) => fact.kind === 'paused' && fact.code),
      ['conflict'],
    )
    relay.offer(await emit(6, 6))
    await relay.drained()
    assert.deepEqual(bus.stored, ids(6))
  }))

test('a bus that is closed ends it, with events left', () =>
  relaying(async ({ bus, relay, emit }) => {
    bus.plan.push(...Array<ErrorCode>(1000).fill('closed'))
    await emit(1, 3)
    await relay.activate()
    await relay.drained()
    assert.equal(bus.appends, 1)
  }))

test('listeners hear of each append', () =>
  relaying(async ({ relay, emit }) => {
    let heard = 0
    relay.onSent(() => heard++)
    await emit(1, 3)
    await relay.activate()
    await relay.drained()
    assert.equal(heard, 1)
  }))

test('stopping ends it even while the bus is away', () =>
  relaying(async ({ bus, relay, emit }) => {
    bus.plan.push(...Array<ErrorCode>(1000).fill('unavailable'))
    await emit(1, 3)
    await relay.activate()
    await relay.stop()
    assert.deepEqual(bus.stored, [])
  }))
