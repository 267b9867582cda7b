import { Resolver } from 'node:dns/promises'
import { messageOf, SkerryError } from '../../errors.ts'
import type { Random } from '../../ids.ts'
import type { Clock, Timer } from '../../time.ts'
import type { Discovery, Update } from '../discovery.ts'
import type { Endpoint } from '../endpoint.ts'
import { sameEndpoints, Watching } from './watching.ts'

/** What is asked of DNS; Node's resolver is one. It does not tell how long an SRV record may be kept: another one may. */
export interface SrvResolver {
  resolveSrv(name: string): Promise<SrvRecord[]>
}

export interface SrvRecord {
  readonly name: string
  readonly port: number
  readonly priority: number
  readonly weight: number
  /** How long it may be kept, in seconds. */
  readonly ttl?: number
}

export interface DnsOptions {
  readonly clock: Clock
  readonly random: Random
  /** The SRV name of a service, such as `_http._tcp.orders.internal`. */
  readonly nameOf: (service: string) => string
  /** What addresses begin with: `http` or `tcp`. @default 'http' */
  readonly scheme?: string
  /** How long records are kept that do not say so, in milliseconds. @default 10 000 */
  readonly refreshMs?: number
  /** Wait before the second question after a failure, doubling up to `refreshMs`, in milliseconds. @default 1000 */
  readonly retryMs?: number
  /** @default Node's, with the servers of this machine */
  readonly resolver?: SrvResolver
  /** Is told why DNS could not be asked. */
  readonly onTrouble?: (error: SkerryError) => void
}

interface Asking {
  timer: Timer | undefined
  failures: number
}

const leastRefreshMs = 1000

/**
 * Instances by SRV records (RFC 2782). Of several priorities the best one is used: whether its hosts answer is not for DNS to
 * say. A record names a place, not a life: an instance that restarts in its place keeps its id.
 */
export class DnsDiscovery implements Discovery {
  readonly #options: Required<Omit<DnsOptions, 'onTrouble'>>
  readonly #onTrouble: (error: SkerryError) => void
  readonly #watching = new Watching()
  readonly #asking = new Map<string, Asking>()

  constructor({ onTrouble = () => {}, ...options }: DnsOptions) {
    const resolver = options.resolver ?? new Resolver({ timeout: 2000, tries: 2 })
    this.#options = { scheme: 'http', refreshMs: 10_000, retryMs: 1000, ...options, resolver }
    this.#onTrouble = onTrouble
  }

  watch(service: string, update: Update): () => void {
    const stop = this.#watching.watch(service, update, () => this.#forget(service))
    if (!this.#asking.has(service)) {
      const asking: Asking = { timer: undefined, failures: 0 }
      this.#asking.set(service, asking)
      void this.#ask(service, asking)
    }
    return stop
  }

  async close(): Promise<void> {
    this.#watching.end()
    for (const service of [...this.#asking.keys()]) this.#forget(service)
  }

  #forget(service: string): void {
    this.#asking.get(service)?.timer?.cancel()
    this.#asking.delete(service)
  }

  async #ask(service: string, asking: Asking): Promise<void> {
    const { clock, random, resolver, nameOf, scheme, refreshMs, retryMs } = this.#options
    let waitMs: number
    try {
      const records = await resolver.resolveSrv(nameOf(service))
      if (this.#asking.get(service) !== asking) return
      asking.failures = 0
      this.#tell(service, endpointsOf(records, scheme), 'live')
      waitMs = keepMs(records, refreshMs)
    } catch (cause) {
      if (this.#asking.get(service) !== asking) return
      this.#tell(service, this.#watching.viewOf(service)?.endpoints, 'kept')
      const problem = `DNS does not answer for ${nameOf(service)} (${messageOf(cause)}); the last addresses are kept`
      this.#onTrouble(new SkerryError('unavailable', problem, { cause }))
      waitMs = Math.min(refreshMs, retryMs * 2 ** Math.min(asking.failures++, 20))
    }
    // Between nine and eleven tenths: processes that began together do not ask together for ever.
    asking.timer = clock.after(waitMs * (0.9 + 0.2 * random()), () => void this.#ask(service, asking), {
      background: true,
    })
  }

  #tell(service: string, endpoints: readonly Endpoint[] | undefined, freshness: 'live' | 'kept'): void {
    const before = this.#watching.viewOf(service)
    if (!endpoints) return
    if (before && before.freshness === freshness && sameEndpoints(before.endpoints, endpoints)) return
    this.#watching.tell(service, { endpoints, freshness })
  }
}

/**
 * The endpoints that records name. One that has no name, or a name that nobody knows, is a failure of DNS as far as one can see from
 * here; only the target `.` says that a service is not there on purpose.
 */
export function endpointsOf(records: readonly SrvRecord[], scheme: string): Endpoint[] {
  const targets = records.filter(({ name }) => name !== '.' && name !== '')
  const best = Math.min(...targets.map(({ priority }) => priority))
  const used = targets.filter(({ priority }) => priority === best)
  // By RFC 2782 a weight of 0 is a very small chance beside others, and means nothing where all have it.
  const weightOfNone = used.some(({ weight }) => weight > 0) ? 0.01 : 1
  const found = new Map<string, Endpoint>()
  for (const { name, port, weight } of used) {
    const place = `${name.replace(/\.$/, '').toLowerCase()}:${port}`
    if (found.has(place)) continue
    found.set(place, { id: place, address: `${scheme}://${place}`, labels: {}, weight: weight || weightOfNone })
  }
  return [...found.values()]
}

/** How long an answer holds: as its shortest record says, but not so short that DNS is all that is done. */
export function keepMs(records: readonly SrvRecord[], refreshMs: number): number {
  const said = records.flatMap(({ ttl }) => (ttl === undefined ? [] : [ttl * 1000]))
  return said.length === 0 ? refreshMs : Math.max(leastRefreshMs, Math.min(...said))
}
