import inspector from 'node:inspector'
import { inspect } from 'node:util'
import type { App, CallOptions, NumberedPublisher } from './app.ts'
import type { Bus } from './bus/bus.ts'
import type { AnyCall } from './call.ts'
import { type CalleesOptions, Callers } from './callers.ts'
import { type AnyContract, type AnyEvent, info } from './contract.ts'
import { refuseStranger, requestEvent } from './durable.ts'
import { type EngineOptions, openBus, openStore, openTopics } from './engines.ts'
import { messageOf, SkerryError } from './errors.ts'
import { defaultMaxEventBytes } from './event.ts'
import { Calls } from './flow/calls/calls.ts'
import { compose } from './flow/compose.ts'
import { type BoundSinks, bindSinks } from './flow/foreign/sinks.ts'
import { Sources } from './flow/foreign/sources.ts'
import type { Topics } from './flow/foreign/topics.ts'
import type { PublishOptions, SendOptions, Sql } from './flow/handler.ts'
import type { InboxBus, Published } from './flow/inbox/bus.ts'
import { openInbox } from './flow/inbox/open.ts'
import { whileBusy } from './flow/patience.ts'
import { Processor } from './flow/processor.ts'
import { Publisher } from './flow/publish.ts'
import { emitted, settledOn } from './flow/settled.ts'
import { memberName } from './flow/shares.ts'
import { type Random, randomIdentity, seededRandom, uuidv7 } from './ids.ts'
import { bootIdentity } from './machine.ts'
import type { ConcurrencyPolicy } from './mesh/resilience/concurrency-limit.ts'
import type { ServerTls } from './mesh/server/tls.ts'
import { numbered } from './numbered.ts'
import { openRegistry, type RegistryOptions } from './registering.ts'
import type { AnyService } from './service.ts'
import { type FramesOptions, type GrpcOptions, type HttpOptions, Serving } from './serving.ts'
import type { Store, StoreOptions } from './store/store.ts'
import { type CrashHook, unwatched, type Watcher } from './telemetry.ts'
import { type Clock, inTime, systemClock } from './time.ts'

export interface StartOptions extends EngineOptions, RunOptions {}

export interface RunOptions {
  readonly clock?: Clock
  readonly random?: Random
  readonly watcher?: Watcher
  readonly crash?: CrashHook
  /** Largest event, in bytes of its JSON, up to 16 MiB. @default 1 MiB */
  readonly maxEventBytes?: number
  /** How long `stop` lets running handlers finish, in milliseconds. @default 10 000 */
  readonly graceMs?: number
  /** Most events that a service's handlers emitted and the bus has not taken yet; then they wait. @default 100 000 */
  readonly outboxLimit?: number
  /**
   * Share of seconds in which it is measured how independently events fare, from 0 (never) to 1; see `skerry independence`.
   * @default 0.1, or SKERRY_MEASURE
   */
  readonly measure?: number
  /** Serves calls, probes and metrics over HTTP: an address (see `HttpOptions`), or more. @default not at all */
  readonly http?: string | HttpOptions
  /** Serves calls to other services by frames, which is quicker: an address (see `FramesOptions`), or more. @default not at all */
  readonly frames?: string | FramesOptions
  /** Serves calls over gRPC, with the numbers of the lock that `skerry contracts lock` writes. @default not at all */
  readonly grpc?: string | GrpcOptions
  /** Encrypts what is served over ports, by whatever door; clients show certificates, too, where it says who signs them. */
  readonly tls?: ServerTls
  /**
   * How many calls are answered at a time, by all doors together: a limit that is found by itself, from their latencies and the
   * delay of the event loop. Beyond it calls are turned away with 503, those of low priority first. `false`: no limit.
   * @default between 64 and 2048, 256 to begin with
   */
  readonly concurrency?: Partial<ConcurrencyPolicy> | false
  /**
   * Makes the calls that are served over HTTP or by frames known to a registry, by which clients find them; handlers here find by it the
   * services that they call. @default not at all
   */
  readonly registry?: RegistryOptions
  /** Where handlers find services that they call and that do not run here. Needs `undici`. @default by the registry */
  readonly callees?: CalleesOptions
}

/** Where an app's bus and stores come from. */
export interface Engines {
  openBus(): Promise<Bus>
  openStore(service: string, options: StoreOptions): Promise<Store>
  /** The way to the foreign topics that these services name. @default by their URLs */
  openTopics?(services: readonly AnyService[]): Promise<Topics>
}

/** Longest that a start waits for the lock of a store, in each of its steps: other processes may be at work there. */
const busyStartMs = 15_000

interface Running {
  readonly service: AnyService
  readonly store: Store
  readonly processor: Processor
  readonly calls: Calls
  readonly sources: Sources
  readonly sinks: BoundSinks
  /** Where the engine hands events out instead of keeping a log. */
  readonly inbox?: InboxBus
}

/**
 * Starts services in this process: on embedded SQLite files under `dir`, unless URLs say otherwise. Rejects, with
 * everything closed again, when a start would be wrong: `log_changed`, `subscription_taken`, `migration_refused`, …
 */
export function start(services: readonly AnyService[], options: StartOptions = {}): Promise<App> {
  const opening = { ...options, clock: options.clock ?? systemClock }
  const engines: Engines = {
    openBus: () => openBus(opening),
    openStore: (service, given) => openStore(service, { ...opening, ...given }),
  }
  return startOn(engines, services, options)
}

/** As `start`, on a bus and stores of one's own. */
export async function startOn(
  engines: Engines,
  services: readonly AnyService[],
  options: RunOptions = {},
): Promise<App> {
  const clock = options.clock ?? systemClock
  for (const service of services) mustServeAll(service)
  const opened: Opened[] = []
  const running: Running[] = []
  const started: Running[] = []
  const { callees, watcher = unwatched } = options
  const watching: Watcher = (fact) => (serving?.watching(watcher) ?? watcher)(fact)
  const registry = options.registry && openRegistry(options.registry, clock, watching)
  const telling = registry && options.registry && { discovery: registry, options: options.registry }
  let serving: Serving | undefined
  let callers: Callers | undefined
  let bus: Bus | undefined
  try {
    const labels = options.registry?.labels
    callers = new Callers({ services, clock, callees, registry, labels, watcher: watching })
    serving = await Serving.open(services, options, telling, clock, { trouble: () => troubleOf(running), watcher })
    bus = await engines.openBus()
    const topics = await (engines.openTopics?.(services) ?? openTopics(services, clock))
    for (const service of services) opened.push(await open(service, engines))
    // Only once all inboxes are there: what one service publishes at once, another one is to get.
    const before = bus.deliver ? await emitted(opened) : []
    for (const one of opened) running.push(await prepare(one, bus, topics, before, clock, options, serving, callers))
    for (const one of running) {
      await whileBusy(clock, clock.monotonic() + busyStartMs, () => one.processor.start())
      started.push(one)
    }
    serving?.started(running)
    callers.started(running)
    return new RunningApp(bus, running, clock, options, { serving, callers, registry })
  } catch (error) {
    await serving?.stop(0)
    for (const one of running) await one.sources.stop()
    for (const one of started) await one.processor.stop(0).catch(() => {})
    for (const one of running) await one.sinks.close()
    for (const one of running) await one.inbox?.close()
    for (const one of opened) await one.store.close()
    await bus?.close()
    await callers?.close()
    await registry?.close()
    throw error
  }
}

/** Why services cannot work any more, though the process runs. */
function troubleOf(running: readonly Running[]): string | undefined {
  const failed = running.find(({ processor }) => processor.failure !== undefined)
  return failed && `${failed.service.name}: ${messageOf(failed.processor.failure)}`
}

/** A contract promises its calls: nobody is to learn from an error that one has no handler. */
function mustServeAll({ contract, calls }: AnyService): void {
  for (const { name, label } of contract[info].calls.values())
    if (!calls.has(name))
      throw new SkerryError('invalid_config', `${label} has no handler; serve it, or take it out of the contract`)
}

interface Opened {
  readonly service: AnyService
  readonly store: Store
  /** The store asks for turns that only its processor's membership can grant: it is told once that exists. */
  readonly turns: { processor?: Processor }
}

async function open(service: AnyService, engines: Engines): Promise<Opened> {
  const turns: Opened['turns'] = {}
  const noTurn = (): void => {}
  const turn = (): Promise<() => void> => turns.processor?.group?.turn() ?? Promise.resolve(noTurn)
  const { migrations } = service.options
  const store = await engines.openStore(service.name, { turn, ...(migrations && { migrations }) })
  return { service, store, turns }
}

/** What a service needs beside its store; nothing is handled yet. */
async function prepare(
  { service, store, turns }: Opened,
  bus: Bus,
  topics: Topics,
  published: readonly Published[],
  clock: Clock,
  options: RunOptions,
  serving: Serving | undefined,
  { call: caller }: Callers,
): Promise<Running> {
  const own = options.watcher ?? unwatched
  const watcher = serving?.watching(own) ?? own
  const opening = { store, service, clock, watcher, published }
  const inbox =
    bus.deliver &&
    (await whileBusy(clock, clock.monotonic() + busyStartMs, () => openInbox({ ...opening, engine: bus })))
  const me = memberName(bootIdentity(), process.pid, randomIdentity().slice(0, 8))
  const { maxEventBytes = defaultMaxEventBytes, outboxLimit = 100_000 } = options
  const sinks = bindSinks(service, topics, store.identity)
  const processor = new Processor({
    service: sinks.service,
    store,
    bus: inbox ?? bus,
    clock,
    random: options.random ?? seededRandom(randomIdentity()),
    me,
    pid: process.pid,
    watcher,
    ...(options.crash && { crash: options.crash }),
    debugging: inspector.url() !== undefined,
    maxEventBytes,
    outboxLimit,
    measure: shareOf(options.measure),
    caller,
    ...(serving?.url !== undefined && { http: serving.url }),
  })
  turns.processor = processor
  const { relay, room, emissions } = processor
  const budgetMs = inspector.url() === undefined ? 100 : Number.POSITIVE_INFINITY
  const calls = new Calls({ service, store, clock, watcher, room, emissions, maxEventBytes, budgetMs, caller })
  const sources = new Sources({ service, store, relay, me, clock, watcher, topics, maxEventBytes, outboxLimit })
  return { service, store, processor, calls, sources, sinks, ...(inbox && { inbox }) }
}

function shareOf(given: number | undefined): number {
  const share = given ?? Number(process.env.SKERRY_MEASURE || 0.1)
  if (share >= 0 && share <= 1) return share
  throw new SkerryError('invalid_config', `measure ${given ?? process.env.SKERRY_MEASURE}: give a share from 0 to 1`)
}

/** How calls come in and go out. */
interface Ways {
  readonly serving: Serving | undefined
  readonly callers: Callers
  readonly registry: { close(): Promise<void> } | undefined
}

class RunningApp implements App {
  readonly #bus: Bus
  readonly #running: readonly Running[]
  readonly #clock: Clock
  readonly #options: RunOptions
  readonly #publishers = new Map<string, Publisher>()
  readonly #ways: Ways
  #stopped: Promise<void> | undefined

  constructor(bus: Bus, running: readonly Running[], clock: Clock, options: RunOptions, ways: Ways) {
    this.#ways = ways
    this.#bus = bus
    this.#running = running
    this.#clock = clock
    this.#options = options
  }

  get url(): string | undefined {
    return this.#ways.serving?.url
  }

  get framesUrl(): string | undefined {
    return this.#ways.serving?.framesUrl
  }

  get grpcUrl(): string | undefined {
    return this.#ways.serving?.grpcUrl
  }

  readonly renewTls: App['renewTls'] = (tls) => Serving.renewTls(this.#ways.serving, tls)

  async publish(type: AnyEvent, data: unknown, options?: PublishOptions): Promise<string> {
    const record = this.#compose(type, data, options)
    let publisher = this.#publishers.get(type.service)
    if (!publisher) {
      const rename = (): string => `publisher ${randomIdentity()}`
      const options = { bus: this.#bus, clock: this.#clock, stream: type.service, producer: rename(), rename }
      publisher = new Publisher(options, 0)
      this.#publishers.set(type.service, publisher)
    }
    await publisher.publish(record)
    return record.id
  }

  async send(sender: AnyService, type: AnyCall, input: unknown, { key, ...options }: SendOptions = {}) {
    const { service } = this.#find(sender.name)
    refuseStranger(type, service.name)
    return this.publish(requestEvent(type, service.name, key), input, options)
  }

  async publisher(contract: AnyContract, name: string): Promise<NumberedPublisher> {
    const stream = contract[info].name
    const producer = `${stream} from ${name}`
    const mark = await this.#bus.producerMark(producer)
    const publisher = new Publisher({ bus: this.#bus, clock: this.#clock, stream, producer }, mark)
    this.#publishers.set(producer, publisher)
    return numbered(publisher, mark, producer, (type, data, options) => this.#compose(type, data, options))
  }

  async settled(): Promise<void> {
    for (const publisher of this.#publishers.values()) await publisher.drained()
    await settledOn(this.#bus, this.#running, this.#clock, async () => [
      ...[...this.#publishers.values()].map((publisher) => publisher.published),
      ...(await emitted(this.#running)),
    ])
  }

  async call(type: AnyCall, input: unknown, options: CallOptions = {}) {
    const { calls } = this.#find(type.service)
    return JSON.parse(await calls.invoke({ ...options, call: type.name, input }))
  }

  #find(service: string): Running {
    const running = this.#running.find((one) => one.service.name === service)
    if (running) return running
    throw new SkerryError(
      'not_found',
      `${service} does not run here; it runs: ${inspect(this.#running.map((one) => one.service.name))}`,
    )
  }

  read: App['read'] = async (service, work) => {
    const running = this.#find(service.name)
    return running.store.read((tx) =>
      work({
        dialect: tx.dialect,
        all: tx.all.bind(tx),
        query: tx.query.bind(tx),
        sql: ((template: TemplateStringsArray, ...values: unknown[]) => tx.query(template, values)) as Sql,
      }),
    )
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    const graceMs = this.#options.graceMs ?? 10_000
    await this.#ways.serving?.stop(graceMs)
    const drained = Promise.all([...this.#publishers.values()].map((publisher) => publisher.drained()))
    await inTime(this.#clock, graceMs, drained)
    await Promise.all(this.#running.map((one) => one.sources.stop()))
    // Whatever fails: everything is closed.
    const ends = await Promise.allSettled(this.#running.map((one) => one.processor.stop(graceMs)))
    await this.#ways.callers.close()
    for (const { inbox, sinks, store } of this.#running) {
      await sinks.close()
      await inbox?.close()
      await store.close()
    }
    await this.#bus.close()
    await this.#ways.registry?.close()
    for (const end of ends) if (end.status === 'rejected') throw end.reason
  }

  #compose(type: AnyEvent, data: unknown, options?: PublishOptions) {
    const now = this.#clock.wall()
    return compose(type, data, options, {
      id: uuidv7(now),
      now,
      maxBytes: this.#options.maxEventBytes ?? defaultMaxEventBytes,
    })
  }
}
