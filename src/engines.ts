import { mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Bus } from './bus/bus.ts'
import type { ForeignAdapter } from './bus/foreign.ts'
import { openSqliteBus } from './bus/sqlite/open.ts'
import { SkerryError } from './errors.ts'
import type { Topics } from './flow/foreign/topics.ts'
import { type ForeignEngine, foreignPlace, foreignPlaces, type SinkTarget, type SourceOptions } from './foreign.ts'
import type { CallServer, ServerOptions } from './mesh/server/server.ts'
import type { Transport } from './mesh/transport.ts'
import { type BusEngine, type Place, placeOf, type StoreEngine } from './places.ts'
import type { AnyService } from './service.ts'
import { adoptTables } from './store/sqlite/adopt.ts'
import { openSqliteStore } from './store/sqlite/open.ts'
import type { Store, StoreOptions, StoreTx } from './store/store.ts'
import type { CrashHook, Watcher } from './telemetry.ts'
import type { Clock } from './time.ts'
import type { TransportOptions } from './transports.ts'

/** The only file that chooses adapters: everything else sees the ports. */
export interface EngineOptions {
  /** Folder of the embedded files: `bus.db` and one `<service>.db` each. @default '.skerry', or SKERRY_DIR */
  readonly dir?: string
  /**
   * `sqlite:<file>`, `postgres://…`, `nats://…`, `amqp://…` or `kafka://…`, with user and password where they are needed, and the
   * files of TLS (`?ca=ca.pem`; for PostgreSQL `?sslmode=verify-full&sslrootcert=ca.pem`).
   * @default `sqlite:<dir>/bus.db`, or SKERRY_BUS
   */
  readonly bus?: string
  /** Where stores are: `sqlite:<folder>` or `postgres://…`. @default `sqlite:<dir>`, or SKERRY_STORE */
  readonly store?: string
  /** Separates applications and tenants on one server. @default 'skerry', or SKERRY_APP */
  readonly app?: string
  /**
   * `full`: what is accepted survives a power cut; an engine that cannot promise it is refused. `normal`, and `engine` where the
   * bus is a server: it survives the death of any process of ours, and whatever else the engine promises. Stores on PostgreSQL
   * are synced with `engine`, and not with `normal`.
   * @default 'full', or SKERRY_DURABILITY
   */
  readonly durability?: 'full' | 'normal' | 'engine'
  /** Most bytes that the bus may take. @default 10 GiB embedded; on a server, the server's own limit */
  readonly maxBusBytes?: number
  /** What the bus may drop once every registered subscription has passed it. @default nothing; RabbitMQ and Kafka have their own */
  readonly retention?: { readonly ageMs?: number; readonly bytes?: number }
}

interface Opening extends EngineOptions {
  readonly clock: Clock
  readonly watcher?: Watcher
  readonly crash?: CrashHook
}

type OpenBus = (place: Place<BusEngine>, options: Opening) => Promise<Bus>

const buses: Readonly<Record<BusEngine, OpenBus>> = {
  sqlite({ path }, options) {
    mkdirSync(resolve(path, '..'), { recursive: true, mode: 0o700 })
    return openSqliteBus({
      ...common(options),
      file: path,
      durability: durabilityOf(options),
      maxBytes: options.maxBusBytes ?? 10 * 1024 ** 3,
      ...(options.retention && { retention: options.retention }),
    })
  },
  async postgres({ url }, options) {
    const { openPostgresBus } = await client('pg', () => import('./bus/postgres/open.ts'))
    const durability = durabilityOf(options) === 'full' ? 'synced' : 'engine'
    return openPostgresBus({ ...common(options), ...kept(options), url, app: appOf(options), durability })
  },
  async nats({ url }, options) {
    const { openNatsBus } = await client(
      '@nats-io/transport-node @nats-io/jetstream',
      () => import('./bus/nats/open.ts'),
    )
    const monitor = process.env.SKERRY_NATS_MONITOR
    return openNatsBus({
      ...common(options),
      ...kept(options),
      ...accepted(options),
      ...(monitor && { monitor }),
      url,
      app: appOf(options),
    })
  },
  async rabbitmq({ url, shown }, options) {
    const { openRabbitmqBus } = await client('amqplib', () => import('./bus/rabbitmq/open.ts'))
    refuseRetention(options, shown)
    const { maxBusBytes: maxBytes } = options
    return openRabbitmqBus({
      clock: options.clock,
      url,
      app: appOf(options),
      ...(maxBytes !== undefined && { maxBytes }),
    })
  },
  async kafka({ url, shown }, options) {
    const { openKafkaBus } = await client('@platformatic/kafka', () => import('./bus/kafka/open.ts'))
    refuseRetention(options, shown)
    if (options.maxBusBytes !== undefined)
      throw new SkerryError('invalid_config', `${shown}: maxBusBytes is not for Kafka; limit its topics there`)
    return openKafkaBus({ clock: options.clock, ...accepted(options), url, app: appOf(options) })
  },
}

export function openBus(options: Opening): Promise<Bus> {
  const place = busPlace(options)
  return buses[place.engine](place, options)
}

interface OpeningStore extends Opening {
  readonly turn?: () => Promise<() => void>
  readonly migrations?: StoreOptions['migrations'] | undefined
}

type OpenStore = (place: Place<StoreEngine>, service: string, options: OpeningStore) => Promise<Store>

const stores: Readonly<Record<StoreEngine, OpenStore>> = {
  sqlite({ path }, service, options) {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    return openSqliteStore({
      ...commonOfStore(options),
      ...(options.turn && { turn: options.turn }),
      file: join(path, `${service}.db`),
    })
  },
  async postgres({ url }, service, options) {
    const { openPostgresStore } = await client('pg', () => import('./store/postgres/open.ts'))
    const directUrl = process.env.SKERRY_STORE_DIRECT
    return openPostgresStore({
      ...commonOfStore(options),
      // `engine` accepts what the bus promises; this server syncs unless it is told not to.
      durability: wantedDurability(options) === 'normal' ? 'normal' : 'full',
      ...(directUrl && { directUrl }),
      url,
      service,
      app: appOf(options),
    })
  },
}

export function openStore(service: string, options: OpeningStore): Promise<Store> {
  const place = storePlace(options)
  return stores[place.engine](place, service, options)
}

/** Names of the services that have a store in a database. */
export async function servicesIn(place: Place<'postgres'>, options: EngineOptions): Promise<string[]> {
  const { servicesOf } = await client('pg', () => import('./store/postgres/services.ts'))
  return servicesOf(place.url, appOf(options))
}

/** A store beside the live one, in which a projection is made anew. */
export interface Scratch {
  /** To be closed before `adopt`. */
  readonly store: Store
  /** See `Swapping` of `flow/rebuild.ts`. */
  adopt(tx: StoreTx): Promise<string>
  /** Removes what is left of it, once the live store is closed. */
  remove(): Promise<void>
}

/** Opens it empty: what a rebuild left behind that was ended half-way is removed first. */
export async function openScratch(service: string, options: OpeningStore): Promise<Scratch> {
  const place = storePlace(options)
  if (place.engine === 'sqlite') {
    const folder = join(place.path, `.rebuild-${service}`)
    const remove = async (): Promise<void> => rmSync(folder, { recursive: true, force: true })
    await remove()
    const store = await openStore(service, { ...options, store: `sqlite:${folder}`, durability: 'normal' })
    return { store, adopt: (tx) => adoptTables(tx, join(folder, `${service}.db`)), remove }
  }
  const { adoptSchema, dropScratch, scratchApp } = await client('pg', () => import('./store/postgres/adopt.ts'))
  const app = appOf(options)
  const remove = (): Promise<void> => dropScratch(place.url, service, app)
  await remove()
  const store = await openStore(service, { ...options, app: scratchApp(app), durability: 'normal' })
  return { store, adopt: (tx) => adoptSchema(tx, service, app), remove }
}

export function directory(options: EngineOptions): string {
  return options.dir ?? (process.env.SKERRY_DIR || '.skerry')
}

/** Throws `invalid_config` naming what is known. */
export function busPlace(options: EngineOptions): Place<BusEngine> {
  const url = options.bus ?? process.env.SKERRY_BUS
  return placeOf('bus', url || undefined, join(directory(options), 'bus.db'))
}

/** Throws `invalid_config` naming what is known. */
export function storePlace(options: EngineOptions): Place<StoreEngine> {
  const url = options.store ?? process.env.SKERRY_STORE
  return placeOf('store', url || undefined, directory(options))
}

const appOf = (options: EngineOptions): string => options.app ?? (process.env.SKERRY_APP || 'skerry')

function durabilityOf(options: EngineOptions): 'full' | 'normal' {
  return wantedDurability(options) === 'full' ? 'full' : 'normal'
}

function wantedDurability(options: EngineOptions): 'full' | 'normal' | 'engine' {
  const wanted = options.durability ?? (process.env.SKERRY_DURABILITY || 'full')
  if (wanted === 'full' || wanted === 'normal' || wanted === 'engine') return wanted
  throw new SkerryError('invalid_config', `durability '${wanted}': use full, normal or engine`)
}

/** For engines that must be told in writing that their own promise is enough. */
const accepted = (options: EngineOptions): { durability?: 'engine' } =>
  durabilityOf(options) === 'full' ? {} : { durability: 'engine' }

function common({ clock, watcher, crash }: Opening) {
  return { clock, ...(watcher && { watcher }), ...(crash && { crash }) }
}

function commonOfStore(options: OpeningStore) {
  const { clock, crash, migrations } = options
  return { clock, durability: durabilityOf(options), ...(migrations && { migrations }), ...(crash && { crash }) }
}

function kept({ maxBusBytes, retention }: EngineOptions) {
  return { ...(maxBusBytes !== undefined && { maxBytes: maxBusBytes }), ...(retention && { retention }) }
}

function refuseRetention({ retention }: EngineOptions, shown: string): void {
  if (retention?.ageMs === undefined && retention?.bytes === undefined) return
  throw new SkerryError('invalid_config', `${shown}: retention is the server's own here; set it there`)
}

const foreignAdapters: Readonly<Record<ForeignEngine, () => Promise<ForeignAdapter>>> = {
  rabbitmq: () => client('amqplib', async () => (await import('./bus/rabbitmq/foreign.ts')).foreign),
  nats: () =>
    client('@nats-io/transport-node @nats-io/jetstream', async () => (await import('./bus/nats/foreign.ts')).foreign),
  kafka: () => client('@platformatic/kafka', async () => (await import('./bus/kafka/foreign.ts')).foreign),
}

/** The way to the foreign topics that services name, whatever servers they are on; nothing is connected yet. */
export async function openTopics(services: readonly AnyService[], clock: Clock): Promise<Topics> {
  const adapters = new Map<ForeignEngine, ForeignAdapter>()
  for (const { engine } of services.flatMap(foreignPlaces))
    if (!adapters.has(engine)) adapters.set(engine, await foreignAdapters[engine]())
  const at = (name: string, given: SourceOptions | SinkTarget): ForeignAdapter =>
    adapters.get(foreignPlace(name, given).engine) as ForeignAdapter
  return {
    receive: ({ options }, name, intake) =>
      at(name, options).receive({ url: options.url, place: options, name, clock }, intake),
    send: (target, name) => at(name, target).send({ url: target.url, place: target, name, clock }),
  }
}

/** Serves calls over HTTP. */
export async function openHttp(options: ServerOptions): Promise<CallServer> {
  const { openHttp } = await client('fastify prom-client', () => import('./mesh/server/http/open.ts'))
  return openHttp(options)
}

/** Serves calls over gRPC. */
export async function openGrpc(options: ServerOptions & { readonly protos: readonly string[] }): Promise<CallServer> {
  const libraries = '@grpc/grpc-js @grpc/proto-loader @grpc/reflection grpc-health-check protobufjs'
  const { openGrpc } = await client(libraries, () => import('./mesh/server/grpc/open.ts'))
  return openGrpc(options)
}

/** What carries calls of handlers to services elsewhere. */
export async function openCallTransport(options: TransportOptions, clock: Clock): Promise<Transport> {
  const { transportOf } = await client('undici', () => import('./transports.ts'))
  return transportOf(options, clock)
}

/** Loads an adapter, whose client library is installed only by those who use its engine. */
async function client<T>(libraries: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new SkerryError('invalid_config', `this needs a library that is not installed: npm install ${libraries}`, {
      cause,
    })
  }
}
