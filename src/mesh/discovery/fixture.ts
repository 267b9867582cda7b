import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom } from '../../ids.ts'
import { inTime, systemClock } from '../../time.ts'
import type { About, Discovery } from '../discovery.ts'
import type { Endpoint } from '../endpoint.ts'
import { registryAddress } from './registry/address.ts'
import { RegistryDiscovery } from './registry/client.ts'
import type { Registration } from './registry/messages.ts'
import { Registry } from './registry/server.ts'

export const secret = 'a secret of some length'

/** Ends a wait that would never end; a busy machine may take many times as long as usual. */
const patienceMs = 60_000

export const instance = (id: string, more: Partial<Registration> = {}): Registration => ({
  ...{ id, service: 'orders', address: `http://${id}.test:80`, labels: {}, weight: 1, ready: true },
  ...more,
})

export interface Seen {
  readonly ids: readonly string[]
  readonly endpoints: readonly Endpoint[]
  readonly about: About
}

/** Everything that a watcher was told. */
export class Watch {
  readonly all: Seen[] = []
  readonly stop: () => void
  #look: () => void = () => {}

  constructor(discovery: Discovery, service = 'orders') {
    this.stop = discovery.watch(service, (endpoints, about) => {
      this.all.push({ ids: endpoints.map(({ id }) => id).sort(), endpoints, about })
      this.#look()
    })
  }

  get last(): Seen | undefined {
    return this.all.at(-1)
  }

  /** Resolves once the newest list is such a one. */
  async until(holds: (seen: Seen) => boolean): Promise<Seen> {
    const found = Promise.withResolvers<Seen>()
    this.#look = () => {
      if (this.last && holds(this.last)) found.resolve(this.last)
    }
    this.#look()
    return within(found.promise, () => `it was told ${JSON.stringify(this.all)}`)
  }

  ids(...ids: string[]): Promise<Seen> {
    return this.until((seen) => JSON.stringify(seen.ids) === JSON.stringify(ids))
  }
}

export async function within<T>(promise: Promise<T>, otherwise: () => string): Promise<T> {
  if (!(await inTime(systemClock, patienceMs, promise))) throw new Error(otherwise())
  return promise
}

/** A folder with a socket of its own, and everything that was begun there: ended and removed together. */
export class Place {
  readonly folder: string
  readonly #ends: (() => Promise<unknown>)[] = []
  #random = seededRandom('place')

  private constructor(folder: string) {
    this.folder = folder
  }

  static async with(work: (place: Place) => Promise<void>): Promise<void> {
    const place = new Place(await mkdtemp(join(tmpdir(), 'skerry-registry-')))
    try {
      await work(place)
    } finally {
      for (const end of place.#ends.reverse()) await end()
      await rm(place.folder, { recursive: true })
    }
  }

  get socket(): string {
    return `unix:${join(this.folder, 'registry.sock')}`
  }

  /** Told when all else has ended, last first. */
  atEnd(end: () => Promise<unknown>): void {
    this.#ends.push(end)
  }

  async registry(options: Partial<Parameters<typeof Registry.start>[0]> = {}): Promise<Registry> {
    const listen = registryAddress(this.socket)
    const registry = await Registry.start({ clock: systemClock, secret, listen, ...options })
    this.atEnd(() => registry.close())
    return registry
  }

  client(options: Partial<ConstructorParameters<typeof RegistryDiscovery>[0]> = {}): RegistryDiscovery {
    const more = { clock: systemClock, random: this.#random, secret, address: this.socket, ...options }
    const client = new RegistryDiscovery(more)
    this.atEnd(() => client.close())
    return client
  }

  /** Another process: `registry`, or `instance ID`. Resolves when it is at work. */
  async process(...args: string[]): Promise<ChildProcess> {
    const child = spawn(process.execPath, [import.meta.filename, this.socket, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const closed = once(child, 'close')
    this.atEnd(async () => {
      child.kill('SIGKILL')
      await closed
    })
    await within(once(child.stdout as NonNullable<typeof child.stdout>, 'data'), () => `${args} did not begin`)
    return child
  }
}

async function childProcess([address = '', kind, id = '']: readonly string[]): Promise<void> {
  if (kind === 'registry')
    await Registry.start({
      ...{ clock: systemClock, secret, listen: registryAddress(address) },
      times: { settleMs: Number(id || 10_000) },
    })
  else {
    const client = new RegistryDiscovery({ clock: systemClock, random: seededRandom(id), secret, address })
    client.register(instance(id))
    await client.joined()
  }
  process.stdout.write('at work\n')
}

if (import.meta.main) await childProcess(process.argv.slice(2))
