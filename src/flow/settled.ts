import { isDeepStrictEqual } from 'node:util'
import type { Bus } from '../bus/bus.ts'
import type { Position } from '../event.ts'
import type { ReadTx, Store } from '../store/store.ts'
import { type Clock, pause } from '../time.ts'
import type { InboxBus, Published } from './inbox/bus.ts'
import { nextOutboxNumber, outboxSent } from './outbox.ts'
import type { Processor } from './processor.ts'
import type { Reader } from './state.ts'

/**
 * Resolves when every event that the bus holds is handled, parked or waiting for its time, and every outbox is on the
 * bus. A look from outside, for tests, examples and orderly ends: services themselves need no such moment.
 */
export async function settledOn(
  bus: Bus,
  running: readonly Settling[],
  clock: Clock,
  published: () => Promise<readonly Published[]> = async () => [],
): Promise<void> {
  for (;;) {
    const heads = await headsOf(bus, running)
    const known = await published()
    let quiet = true
    for (const [i, { store, processor, inbox }] of running.entries()) {
      if (processor.failure) throw processor.failure
      const on = inbox ?? bus
      quiet &&= processor.idle && (inbox === undefined || (await inbox.arrived(known)))
      quiet &&= await drained(on, store, heads[i] as Position, processor, clock.wall())
    }
    if (quiet && isDeepStrictEqual(await headsOf(bus, running), heads)) return
    await pause(clock, 2)
  }
}

interface Settling {
  readonly store: Store
  readonly processor: Processor
  /** Where the engine hands events out. */
  readonly inbox?: InboxBus
}

/** The end of the log that each of them reads: one for all, or each its own inbox. */
async function headsOf(bus: Bus, running: readonly Settling[]): Promise<Position[]> {
  const inboxes = running.some(({ inbox }) => inbox)
  const shared = inboxes || running.length === 0 ? 0 : await bus.head()
  return Promise.all(running.map(({ inbox }) => inbox?.head() ?? shared))
}

/** What services have given out, whether it is on the bus or not. */
export async function emitted(
  services: readonly { readonly service: { readonly name: string }; readonly store: Store }[],
): Promise<Published[]> {
  const found: Published[] = []
  for (const { service, store } of services) {
    const number = (await store.read((tx) => nextOutboxNumber(tx))) - 1
    found.push({ stream: service.name, producer: store.identity, number })
  }
  return found
}

/** Events before their emissions: what was emitted by an event below the head is in the outbox once that is passed. */
async function drained(bus: Bus, store: Store, head: number, processor: Processor, wall: number): Promise<boolean> {
  for (const reader of processor.readers) {
    if (reader.paused) continue
    if (!(await store.read((tx) => passed(tx, reader, head)))) return false
    if (await store.read((tx) => unsettled(tx, reader.id, wall))) return false
  }
  // Asked before the outbox: what is numbered later is not on the bus by then.
  const mark = await bus.producerMark(store.identity)
  return store.read((tx) => outboxSent(tx, mark))
}

/**
 * True when all lanes are past the head: by what is on disk, or, where events of no concern came last, by what their
 * owner has read. Other processes write that down once a second.
 */
async function passed(tx: ReadTx, reader: Reader, head: Position): Promise<boolean> {
  const behind = await tx.all<{ lane_from: number; stream: string }>(
    'select lane_from, stream from skerry_position where subscription = ? and next < ?',
    reader.id,
    head,
  )
  return behind
    .filter(({ stream }) => reader.handlers.has(stream))
    .every(({ lane_from, stream }) => {
      const cursor = reader.shares.find((share) => share.lanes.from === lane_from)?.cursors.get(stream)
      return cursor !== undefined && cursor.read >= head && cursor.open.size === 0
    })
}

/** True while an event is under way, or a key waits for something that will come by itself. */
async function unsettled(tx: ReadTx, subscription: string, wall: number): Promise<boolean> {
  const exceptions = await tx.all(
    `select 1 from skerry_exception as e where subscription = ? and (state in ('open', 'retry')
       or (state = 'delayed' and due <= ? and not exists (select 1 from skerry_waiting as w
         where w.subscription = e.subscription and w.stream = e.stream and w.key = e.key))) limit 1`,
    subscription,
    wall,
  )
  if (exceptions.length > 0) return true
  const keys = await tx.all(
    `select 1 from skerry_waiting as w where subscription = ? and state <> 'parked' and not exists (
       select 1 from skerry_exception as e where e.subscription = w.subscription and e.stream = w.stream
         and e.key = w.key and e.state = 'unknown_version') limit 1`,
    subscription,
  )
  return keys.length > 0
}
