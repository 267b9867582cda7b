import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import type { Bus, Group } from '../bus/bus.ts'
import { busPlace, type EngineOptions, openBus, openStore, servicesIn, storePlace } from '../engines.ts'
import { SkerryError } from '../errors.ts'
import { momentOn } from '../flow/leases.ts'
import { type Moment, type ProcessStatus, processesAlive } from '../flow/status.ts'
import { randomIdentity } from '../ids.ts'
import { bootIdentity } from '../machine.ts'
import type { Place } from '../places.ts'
import type { Store } from '../store/store.ts'
import { systemClock } from '../time.ts'
import { UsageError } from './failure.ts'

/** Where bus and stores are. */
export interface Places {
  readonly bus: Place
  readonly stores: Place
}

/** Throws `UsageError` naming a URL that is none, and what is valid. */
export function placesOf(engine: EngineOptions): Places {
  try {
    return { bus: busPlace(engine), stores: storePlace(engine) }
  } catch (error) {
    throw error instanceof SkerryError ? new UsageError(error.message) : error
  }
}

/** What services have left behind, or are at work on. The command line looks at it; nothing is made by looking. */
export class Site {
  readonly places: Places
  readonly #engine: EngineOptions
  readonly #stores = new Map<string, Store>()
  readonly #seats = new Map<string, Group>()
  #bus: Promise<Bus> | undefined

  constructor(engine: EngineOptions) {
    // A look must not make the services sync more than they asked for: on a bus, the strictest of all counts.
    this.#engine = { ...engine, durability: 'normal' }
    this.places = placesOf(engine)
    const { bus, stores } = this.places
    const folders = [
      ...(bus.engine === 'sqlite' ? [resolve(bus.path, '..')] : []),
      ...(stores.engine === 'sqlite' ? [resolve(stores.path)] : []),
    ]
    for (const folder of new Set(folders)) {
      if (existsSync(folder)) continue
      throw new SkerryError(
        'not_found',
        `the folder ${folder} does not exist; name another with --dir, or start services with: skerry run <service…>`,
      )
    }
  }

  /** Services that have a store here. */
  async services(): Promise<string[]> {
    const { bus, stores } = this.places
    if (stores.engine === 'postgres') return servicesIn(stores as Place<'postgres'>, this.#engine)
    const busFile = resolve(bus.path)
    return readdirSync(stores.path, { withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.db') && resolve(stores.path, entry.name) !== busFile)
      .map((entry) => basename(entry.name, '.db'))
      .sort()
  }

  get hasBus(): boolean {
    const { bus } = this.places
    return bus.engine !== 'sqlite' || existsSync(bus.path)
  }

  bus(): Promise<Bus> {
    if (!this.hasBus)
      throw new SkerryError(
        'not_found',
        `there is no bus ${this.places.bus.shown}; name another with --dir or --bus, or publish something first`,
      )
    this.#bus ??= openBus({ ...this.#engine, clock: systemClock })
    return this.#bus
  }

  /** Opens a store as it is; writes take their turn with the processes that serve it. */
  async store(service: string): Promise<Store> {
    const known = this.#stores.get(service)
    if (known) return known
    const turn = async (): Promise<() => void> => (await this.#seat(service))?.turn() ?? (() => {})
    const store = await openStore(service, { ...this.#engine, clock: systemClock, migrations: 'any', turn })
    this.#stores.set(service, store)
    return store
  }

  /** What a store takes on disk, also of one that cannot be opened. */
  async bytesOf(service: string): Promise<number> {
    const { stores } = this.places
    if (stores.engine === 'sqlite') return bytesOfFile(join(stores.path, `${service}.db`))
    return (await this.store(service)).size()
  }

  /** Now, as the leases of a store count it. */
  async moment(store: Store): Promise<Moment> {
    return momentOn(store, systemClock, bootIdentity())
  }

  /** Processes that serve the store of a service now. */
  async processes(service: string): Promise<ProcessStatus[]> {
    const store = await this.store(service)
    const present = await (await this.#seat(service))?.members()
    const moment = { ...(await this.moment(store)), ...(present && { present }) }
    return store.read((tx) => processesAlive(tx, moment))
  }

  /** Tells the processes of a service to look at their store. */
  async nudge(service: string): Promise<void> {
    ;(await this.#seat(service))?.nudge()
  }

  async close(): Promise<void> {
    for (const seat of this.#seats.values()) seat.leave()
    for (const store of this.#stores.values()) await store.close()
    await (await this.#bus?.catch(() => undefined))?.close()
  }

  /** A place among the processes that serve a store, once it is needed. */
  async #seat(service: string): Promise<Group | undefined> {
    const store = this.#stores.get(service)
    if (!store || !this.hasBus) return undefined
    const known = this.#seats.get(service)
    if (known) return known
    const seat = (await this.bus()).group?.(store.identity, `skerry.${process.pid}.${randomIdentity().slice(0, 8)}`)
    if (seat) this.#seats.set(service, seat)
    return seat
  }
}

/** Opens what there is, and closes it whatever happens. */
export async function atSite<T>(engine: EngineOptions, work: (site: Site) => Promise<T>): Promise<T> {
  const site = new Site(engine)
  try {
    return await work(site)
  } finally {
    await site.close()
  }
}

function bytesOfFile(file: string): number {
  let total = 0
  for (const path of [file, `${file}-wal`, `${file}-shm`]) total += statSync(path, { throwIfNoEntry: false })?.size ?? 0
  return total
}
