import assert from 'node:assert/strict'
import type { App } from '../../app.ts'
import type { Bus } from '../../bus/bus.ts'
import type { EventType } from '../../contract.ts'
import type { EventRecord } from '../../event.ts'
import { encodeFrame } from '../../frame.ts'
import { randomIdentity } from '../../ids.ts'
import type { AnyService } from '../../service.ts'
import { type RunOptions, startOn } from '../../start.ts'
import type { Row, Store, StoreTx } from '../../store/store.ts'
import type { Fact } from '../../telemetry.ts'
import { type Clock, pause, systemClock, VirtualClock } from '../../time.ts'
import { type DeadLetter, listDead } from '../deadletter.ts'
import type { PublishOptions } from '../handler.ts'
import { inboxStreams } from '../inbox/read.ts'
import type { FlowFixture, MakeFlowFixture } from './fixture.ts'
import { heldStore } from './held.ts'
import { tidy } from './tidy.ts'
import { Witness } from './witness.ts'
import { Town, type Word } from './words.ts'

export interface OpenOptions extends RunOptions {
  readonly maxBusBytes?: number
  /** Stands between the app and its engines, to make them fail. */
  readonly onBus?: (bus: Bus) => Bus
  readonly onStore?: (store: Store) => Store
}

type Spoken = EventType<string, string, Word, Word>

/** One fixture with apps at work on it, and what a test asks of them. */
export class House {
  readonly fixture: FlowFixture
  /** What any app reported, in order. */
  readonly facts: Fact[] = []
  readonly #apps = new Map<App, { readonly clock: Clock; readonly bus: Bus }>()
  #witness: Witness | undefined
  /** By name: the latest definition counts. */
  readonly #services = new Map<string, AnyService>()

  constructor(fixture: FlowFixture) {
    this.fixture = fixture
  }

  /** Before anything is published. */
  async enter(): Promise<void> {
    if (this.fixture.handsOut) this.#witness = await Witness.open(this.fixture)
  }

  /** Starts services, as one process would. */
  async open(services: readonly AnyService[], options: OpenOptions = {}): Promise<App> {
    const { fixture } = this
    const { maxBusBytes, onBus = (bus) => bus, onStore = (store) => store, watcher, ...run } = options
    const clock = run.clock ?? systemClock
    let bus: Bus | undefined
    const app = await startOn(
      {
        openBus: async () => {
          bus = await fixture.openBus({ clock, ...(maxBusBytes && { maxBytes: maxBusBytes }) })
          return onBus(bus)
        },
        openStore: async (name, given) => {
          const store = await fixture.openStore(name, { ...given, clock })
          return onStore(clock instanceof VirtualClock ? heldStore(store, clock) : store)
        },
      },
      services,
      {
        ...run,
        watcher: (fact) => {
          this.facts.push(fact)
          watcher?.(fact)
        },
      },
    )
    this.#apps.set(app, { clock, bus: bus as unknown as Bus })
    for (const service of services) this.#services.set(service.name, service)
    return app
  }

  /**
   * Makes a service known, so that what is published next is for it: on an engine that keeps a log, whoever comes later finds
   * it there.
   */
  async introduce(service: AnyService): Promise<void> {
    if (this.fixture.handsOut) await this.stop(await this.open([service]))
  }

  async stop(app: App): Promise<void> {
    const clock = this.#apps.get(app)?.clock
    this.#apps.delete(app)
    await this.#passes(clock, app.stop(), 'the app never stopped')
  }

  /** Waits until an app has settled; virtual time passes meanwhile. */
  settled(app: App): Promise<void> {
    return this.#passes(this.#apps.get(app)?.clock, app.settled(), 'the app never settled')
  }

  async #passes(clock: Clock | undefined, promise: Promise<void>, otherwise: string): Promise<void> {
    let done = false
    const ended = promise.finally(() => {
      done = true
    })
    const ending = within(ended, () => `${otherwise}; the last facts: ${JSON.stringify(this.facts.slice(-5))}`)
    const giveUp = systemClock.monotonic() + patienceMs
    // No faster than a server over the network can follow: what falls due must not overtake what was published.
    const breathMs = this.fixture.handsOut ? 5 : 1
    if (clock instanceof VirtualClock)
      for (; !done && systemClock.monotonic() < giveUp; await pause(systemClock, breathMs)) await clock.advance(20)
    await ending
  }

  /** Publishes words in this order: a number alone has the key `k`. */
  async say(app: App, words: readonly (number | Word)[], type: Spoken = Town.said): Promise<void> {
    await Promise.all(words.map((w) => app.publish(type, typeof w === 'number' ? { n: w, key: 'k' } : w)))
  }

  publish(app: App, word: Word, options?: PublishOptions, type: Spoken = Town.said): Promise<string> {
    return app.publish(type, word, options)
  }

  /** Puts events on the bus that no publisher of ours would. */
  async forge(...records: Partial<EventRecord>[]): Promise<void> {
    const whole = { type: 'said', version: 1, key: 'k', time: systemClock.wall(), due: 0, expires: 0 }
    const frame = encodeFrame(
      records.map((given) => ({
        ...{ ...whole, id: randomIdentity(), attributes: undefined, data: '{"n":1,"key":"k"}' },
        ...given,
      })),
    )
    const batch = { stream: 'town', producer: randomIdentity(), after: 0, first: 1, count: records.length, frame }
    await this.onBus((bus) => bus.append(batch))
  }

  /** Asks the bus itself, with nothing in between: an app's that runs, or one of its own. */
  async onBus<T>(work: (bus: Bus) => Promise<T>): Promise<T> {
    for (const running of this.#apps.values()) return work(running.bus)
    const bus = await this.fixture.openBus({ clock: systemClock })
    try {
      return await work(bus)
    } finally {
      await bus.close()
    }
  }

  /** Asks the log of all that was published. */
  async onLog<T>(work: (bus: Bus) => Promise<T>): Promise<T> {
    return this.#witness ? work(await this.#witness.seen()) : this.onBus(work)
  }

  /** Opens a service's store beside the apps, as a tool would. */
  async onStore<T>(service: AnyService, work: (store: Store) => Promise<T>): Promise<T> {
    const { migrations } = service.options
    const store = await this.fixture.openStore(service.name, { clock: systemClock, ...(migrations && { migrations }) })
    try {
      return await work(store)
    } finally {
      await store.close()
    }
  }

  /** Changes a service's store as a tool would: beside the apps, which are told to look. */
  write<T>(service: AnyService, work: (tx: StoreTx) => Promise<T>): Promise<T> {
    return this.onStore(service, async (store) => {
      const result = await store.write(work, 'bookkeeping')
      await this.onBus(async (bus) => {
        const group = bus.group?.(store.identity, 'a tool')
        await group?.members()
        group?.nudge()
        group?.leave()
      })
      return result
    })
  }

  /** Waits until the processes of a service know what a tool wrote, where no group tells them at once. */
  async noticed(service: AnyService): Promise<void> {
    if (!this.fixture.handsOut) return
    const leases = () => this.rows<{ expires: number }>(service, 'select expires from skerry_member order by id')
    // Looking comes after renewing: the second renewal tells that the first look is over.
    for (let n = 0; n < 2; n++) {
      const before = await leases()
      const renewed = async () => (await leases()).every(({ expires }, i) => expires !== before[i]?.expires)
      await until(renewed, 'the processes never looked')
    }
  }

  rows<R = Row>(service: AnyService, text: string): Promise<R[]> {
    return this.onStore(service, (store) => store.read((tx) => tx.all<R>(text)))
  }

  dead(service: AnyService): Promise<DeadLetter[]> {
    return this.onStore(service, (store) => store.read((tx) => listDead(tx, 1000)))
  }

  /** Waits until so many processes share the lanes of a subscription evenly. */
  async shared(service: AnyService, processes: number, clock?: VirtualClock): Promise<void> {
    const owners =
      'select owner, sum(lane_to - lane_from) as lanes from skerry_share where subscription <> ? group by owner'
    await this.onStore(service, (store) =>
      until(async () => {
        await clock?.advance(100)
        const rows = await store.read((tx) => tx.all<{ owner: string | null; lanes: number }>(owners, '~relay'))
        return rows.length === processes && rows.every((row) => row.owner && row.lanes >= Math.floor(64 / processes))
      }, `${processes} processes never shared the lanes`),
    )
  }

  /** What the handlers did, in the order of their commits. */
  effects(service: AnyService): Promise<{ n: number; key: string; note: string | null }[]> {
    return this.rows(service, 'select n, key, note from effect order by place')
  }

  async numbers(service: AnyService): Promise<number[]> {
    return (await this.effects(service)).map((effect) => effect.n)
  }

  /** How many facts of a kind there were. */
  count(kind: Fact['kind']): number {
    return this.facts.filter((fact) => fact.kind === kind).length
  }

  /** The states that circuits went through. */
  circuit(): string[] {
    return this.facts.flatMap((fact) => (fact.kind === 'circuit' ? [fact.state] : []))
  }

  openings(): number {
    return this.circuit().filter((state) => state === 'open').length
  }

  /** Waits for a fact, or for so many of its kind. */
  happened(kind: Fact['kind'], times = 1): Promise<void> {
    return until(
      async () => {
        // Virtual time passes a little: what is due at this very moment is seen only then.
        for (const { clock } of this.#apps.values()) if (clock instanceof VirtualClock) await clock.advance(1)
        return this.count(kind) >= times
      },
      () => `${this.count(kind)} of ${times} '${kind}' happened; ${JSON.stringify(this.facts.slice(-5))}`,
    )
  }

  /** Settles and stops what still runs, and looks at what it leaves behind. */
  async leave(asItIs: boolean): Promise<void> {
    const apps = [...this.#apps.keys()]
    if (!asItIs) for (const app of apps) await this.settled(app)
    const { streams } = asItIs || this.#witness ? { streams: [] } : await this.onBus((bus) => bus.status())
    for (const app of apps) await this.stop(app)
    if (asItIs) return
    for (const service of this.#services.values())
      await this.onStore(service, async (store) => {
        const own = this.#witness ? await store.read(inboxStreams) : streams
        await tidy(store, own, service)
      })
  }

  /** Stops what a failed test left running. */
  async abandon(): Promise<void> {
    for (const app of [...this.#apps.keys()]) await this.stop(app).catch(() => {})
    await this.#witness?.close()
  }
}

/**
 * Runs a test on a fresh pair. Afterwards all must be at rest and the stores' bookkeeping empty but for what is parked or
 * waits for its time; `asItIs` spares the look at tests that end in trouble.
 */
export async function inHouse(
  make: MakeFlowFixture,
  test: (house: House) => Promise<void>,
  options: { readonly asItIs?: boolean } = {},
): Promise<void> {
  const house = new House(await make())
  try {
    await house.enter()
    await test(house)
    await house.leave(options.asItIs ?? false)
  } finally {
    await house.abandon()
    await house.fixture.dispose()
  }
}

/** Ends a wait that would never end; a busy machine may take many times as long as usual. */
const patienceMs = 60_000

/** Waits until something is so, however soon or late it becomes so. */
export async function until(holds: () => Promise<boolean> | boolean, otherwise: string | (() => string)) {
  const end = systemClock.monotonic() + patienceMs
  while (!(await holds())) {
    if (systemClock.monotonic() > end) assert.fail(typeof otherwise === 'string' ? otherwise : otherwise())
    await pause(systemClock, 5)
  }
}

/** Lets virtual time pass slowly enough for several processes to talk meanwhile. */
export async function pass(clock: VirtualClock, ms: number): Promise<void> {
  for (const end = clock.monotonic() + ms; clock.monotonic() < end; ) {
    await clock.advance(Math.min(100, end - clock.monotonic()))
    await pause(systemClock, 2)
  }
}

/** Waits for a promise, but not for ever. */
export async function within<T>(promise: Promise<T>, otherwise: () => string): Promise<T> {
  const giveUp = new AbortController()
  const late = pause(systemClock, patienceMs, giveUp.signal).then(() => {
    if (!giveUp.signal.aborted) assert.fail(otherwise())
    return promise
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    giveUp.abort()
  }
}

/** A door that stays shut until it is opened. */
export class Gate {
  readonly passed: Promise<void>
  #open: () => void = () => {}

  constructor() {
    this.passed = new Promise((resolve) => {
      this.#open = resolve
    })
  }

  open(): void {
    this.#open()
  }
}

export const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1)
