import assert from 'node:assert/strict'
import type { Delivery, EventRecord, Position } from '../../event.ts'
import { encodeFrame } from '../../frame.ts'
import { pause, systemClock } from '../../time.ts'
import type { Bus, Chunk, Credit } from '../bus.ts'

/** What an engine's author gives, so that the suite can be run on it. One fixture is one empty bus. */
export interface BusFixture {
  /** Opens the bus; the suite opens some more than once at a time, and closes all. */
  open(limits?: Limits): Promise<Bus>
  /**
   * Ends whoever writes or keeps the log, without warning, and starts it again; resolves when that is under way. Absent
   * where the engine cannot be restarted.
   */
  readonly restart?: () => Promise<void>
  /**
   * Opens the engine alone, where it hands events out: `open` gives it with the inbox of a store then, the same one each
   * time, in which all that was accepted has arrived when it is asked for.
   */
  readonly openEngine?: () => Promise<Bus>
  /** Removes the bus. */
  dispose(): Promise<void>
}

/** What some tests need to be small. An engine that cannot set one ignores it, and declares `limits` accordingly. */
export interface Limits {
  /** Appends above this size of the log are refused. */
  readonly maxBytes?: number
  /** Size of what retention drops at a time. */
  readonly segmentBytes?: number
  /** What retention keeps of a stream, at least. */
  readonly keepBytes?: number
}

export interface Needs {
  /** The test will call `restart`. */
  readonly restart?: boolean
  /** What the test reads, where a store has to say so beforehand. @default `usualStreams` */
  readonly streams?: readonly string[]
}

export const usualStreams: readonly string[] = ['s', 't', 'other']

export interface MakeBusFixture {
  (needs?: Needs): Promise<BusFixture>
  /** The limits that the engine can be given; the tests of others are skipped. */
  readonly limits: readonly (keyof Limits)[]
  readonly restartable: boolean
  /** The engine hands events out, and keeps no account of producers: see `Bus.deliver`. */
  readonly handsOut?: boolean
}

export const plenty: Credit = { events: 1000, bytes: 1024 * 1024 }

export async function onFixture(
  make: MakeBusFixture,
  test: (fixture: BusFixture) => Promise<void>,
  needs: Needs = {},
): Promise<void> {
  const fixture = await make(needs)
  try {
    await test(fixture)
  } finally {
    await fixture.dispose()
  }
}

/** Runs `test` on a fresh bus; closes it and removes it whatever happens. */
export async function onBus(
  make: MakeBusFixture,
  test: (bus: Bus, fixture: BusFixture) => Promise<void>,
  limits: Limits = {},
  needs: Needs = {},
): Promise<void> {
  const work = async (fixture: BusFixture): Promise<void> => {
    const bus = await fixture.open(limits)
    try {
      await test(bus, fixture)
    } finally {
      await bus.close()
    }
  }
  await onFixture(make, work, needs)
}

/** Opens the same bus again, for the time of `test`. */
export async function beside(fixture: BusFixture, test: (bus: Bus) => Promise<void>): Promise<void> {
  const bus = await fixture.open()
  try {
    await test(bus)
  } finally {
    await bus.close()
  }
}

export function sample(id: string, data: unknown = {}): EventRecord {
  return {
    id,
    type: 'happened',
    version: 1,
    key: `key of ${id}`,
    time: 1_750_000_000_000,
    due: 0,
    expires: 0,
    attributes: undefined,
    data: JSON.stringify(data),
  }
}

/** Numbers its events without gaps and names them `<name>-<number>`. */
export class Publisher {
  readonly name: string
  readonly #stream: string
  #last = 0

  constructor(name: string, stream: string) {
    this.name = name
    this.#stream = stream
  }

  /** Appends `count` further events in one batch. */
  append(bus: Bus, count = 1, padding = 0): Promise<void> {
    const after = this.#last
    this.#last += count
    return this.send(bus, after, after + 1, count, padding)
  }

  /** Appends the events numbered from `first`, whatever was sent before. */
  send(bus: Bus, after: number, first: number, count: number, padding = 0): Promise<void> {
    const pad = 'x'.repeat(padding)
    const records = Array.from({ length: count }, (_, i) => sample(`${this.name}-${first + i}`, { n: first + i, pad }))
    return bus.append({ stream: this.#stream, producer: this.name, after, first, count, frame: encodeFrame(records) })
  }

  /** Ids of the first `count` events. */
  ids(count = this.#last): string[] {
    return Array.from({ length: count }, (_, i) => `${this.name}-${i + 1}`)
  }
}

/** Everything from `from` to where the stream ends now. */
export async function readAll(bus: Bus, stream: string, from: Position = 0, credit = plenty): Promise<Delivery[]> {
  const all: Delivery[] = []
  let at = from
  for (;;) {
    const chunk: Chunk = await bus.read(stream, at, credit)
    assert.ok(chunk.next >= at, 'reading goes forwards')
    if (chunk.events.length === 0) return all
    all.push(...chunk.events)
    at = chunk.next
  }
}

export const idsOf = (events: readonly Delivery[]): string[] => events.map((e) => e.record.id)

export const sorted = (ids: Iterable<string>): string[] => [...ids].sort()

/** Reads a stream as it grows, until it has `count` events. Fails when nothing comes for a long time. */
export async function follow(bus: Bus, stream: string, count: number, from: Position = 0): Promise<Delivery[]> {
  const got: Delivery[] = []
  let at = from
  let wake = (): void => {}
  const stop = bus.watch(stream, () => wake())
  try {
    while (got.length < count) {
      const grown = new Promise<void>((resolve) => {
        wake = resolve
      })
      const chunk = await bus.read(stream, at, plenty)
      got.push(...chunk.events)
      at = chunk.next
      if (chunk.events.length === 0) await within(grown, `${got.length} of ${count} events of ${stream} came`)
    }
    return got
  } finally {
    stop()
  }
}

/** Ends a wait that would never end; a busy machine may take many times as long as usual. */
const patienceMs = 60_000

/** Waits for a promise, but not for ever. */
export async function within<T>(promise: Promise<T>, otherwise: string): Promise<T> {
  const giveUp = new AbortController()
  const late = pause(systemClock, patienceMs, giveUp.signal).then(() => {
    assert.ok(giveUp.signal.aborted, otherwise)
    return promise
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    giveUp.abort()
  }
}

/** Waits until something is so, however soon or late the engine gets to it. */
export async function until(holds: () => Promise<boolean> | boolean, otherwise: string): Promise<void> {
  const end = systemClock.monotonic() + patienceMs
  while (!(await holds())) {
    assert.ok(systemClock.monotonic() < end, otherwise)
    await pause(systemClock, 10)
  }
}
