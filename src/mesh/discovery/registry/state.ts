import type { Endpoint } from '../../endpoint.ts'
import type { Asked, ListedInstance, ListedService, LoadOf, Registration, ServiceView } from './messages.ts'
import { Pauses } from './pauses.ts'

/** One authenticated connection. */
export type Peer = number

export type Cause =
  | { readonly kind: 'joined'; readonly peer: Peer }
  | { readonly kind: 'said'; readonly peer: Peer; readonly message: Asked }
  /** The connection ended, however: with it all that was registered by it. */
  | { readonly kind: 'left'; readonly peer: Peer }
  /** It is due every `lookMs`. */
  | { readonly kind: 'time' }

export type Effect =
  /** Tell the peer what is known of the service now. */
  | { readonly kind: 'view'; readonly peer: Peer; readonly service: string }
  | { readonly kind: 'listing'; readonly peer: Peer }
  /** End the connection; the peer counts as gone already. */
  | { readonly kind: 'end'; readonly peer: Peer; readonly why: string }

export interface RegistryTimes {
  /** How often `time` is due, in milliseconds. @default 250 */
  readonly lookMs: number
  /** After so long without a word a peer counts as gone, in milliseconds. @default 2500 */
  readonly silenceMs: number
  /** How long a registry that has just begun waits for instances to come back, in milliseconds. @default 10 000 */
  readonly settleMs: number
}

/** With pings every second two are missing, and a host that is silent is seen within three seconds. */
export const defaultTimes: RegistryTimes = { lookMs: 250, silenceMs: 2500, settleMs: 10_000 }

/** What one peer may ask for, and what a registry keeps at all. */
export const most = { instancesOfPeer: 256, watchesOfPeer: 1024, services: 10_000 }

interface Instance {
  readonly registration: Registration
  readonly peer: Peer
  /** Of two with the same address the one that came later is meant. */
  readonly order: number
  readonly since: number
  /** Told once a second by everybody, and of no concern to watchers. */
  load?: { readonly value: number; readonly at: number }
}

/** Whether those that were there before this registry began can be taken to have come back. */
type Settling = { readonly at: 'settling'; readonly seen: ReadonlySet<string> } | { readonly at: 'settled' }

interface Service {
  readonly instances: ReadonlyMap<string, Instance>
  readonly watchers: ReadonlySet<Peer>
  /** Kept when the last instance is lost: none of three is what one wants to know. */
  readonly expected: number | undefined
  readonly settling: Settling
}

interface Joined {
  heardAt: number
  readonly instances: Map<string, Registration>
  readonly watches: Set<string>
}

/**
 * What a registry knows, and what follows from what happens. It does no I/O: whoever owns it says what happened and does what is
 * answered. A service changes in `#change` alone.
 */
export class RegistryState {
  readonly #times: RegistryTimes
  readonly #settlesAt: number
  readonly #pauses: Pauses
  readonly #peers = new Map<Peer, Joined>()
  readonly #services = new Map<string, Service>()
  #order = 0
  #settled = false

  constructor(at: number, times: RegistryTimes = defaultTimes) {
    this.#times = times
    this.#settlesAt = at + times.settleMs
    this.#pauses = new Pauses(times.lookMs, at)
  }

  apply(cause: Cause, at: number): Effect[] {
    switch (cause.kind) {
      case 'joined':
        this.#peers.set(cause.peer, { heardAt: at, instances: new Map(), watches: new Set() })
        return []
      case 'left':
        return this.#lose(cause.peer)
      case 'time':
        return [...this.#silent(at), ...this.#settle(at)]
      case 'said':
        return this.#said(cause.peer, cause.message, at)
    }
  }

  viewOf(service: string): ServiceView {
    const known = this.#services.get(service) ?? this.#unknown()
    const meant = [...newestByAddress(known).values()].filter(({ registration }) => registration.ready)
    return {
      service,
      endpoints: meant.map(({ registration }) => endpointOf(registration)),
      ...(known.expected !== undefined && { expected: known.expected }),
      ...(known.settling.at === 'settling' && { seen: [...known.settling.seen] }),
    }
  }

  /** Services that have instances, or should have, by name. */
  listing(at: number): ListedService[] {
    return [...this.#services]
      .filter(([, { instances, expected }]) => instances.size > 0 || expected !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([service, known]) => listed(service, known, at))
  }

  #said(peer: Peer, message: Asked, at: number): Effect[] {
    const joined = this.#peers.get(peer)
    if (!joined) return []
    joined.heardAt = at
    switch (message.kind) {
      case 'register':
        return this.#register(peer, joined, message.registration, at)
      case 'withdraw':
        return this.#withdraw(peer, joined, message.service, message.id)
      case 'watch':
        return this.#watch(peer, joined, message.service)
      case 'unwatch':
        joined.watches.delete(message.service)
        return this.#change(message.service, ({ watchers }) => ({ watchers: without(watchers, peer) }), 'quietly')
      case 'list':
        return [{ kind: 'listing', peer }]
      case 'ping':
        for (const load of message.loads) this.#load(peer, load, at)
        return []
    }
  }

  #register(peer: Peer, joined: Joined, registration: Registration, at: number): Effect[] {
    const { service, id } = registration
    const name = nameOf(service, id)
    if (!joined.instances.has(name) && joined.instances.size >= most.instancesOfPeer)
      return this.#end(peer, `more than ${most.instancesOfPeer} instances`)
    if (!this.#room(service)) return this.#end(peer, `more than ${most.services} services`)
    joined.instances.set(name, registration)
    return this.#change(service, ({ instances, expected, settling }) => {
      const before = instances.get(id)
      const moved = before !== undefined && before.peer !== peer
      const kept = before && !moved ? before : { order: this.#order++, since: before?.since ?? at }
      const all = new Map(instances).set(id, { ...kept, registration, peer })
      const wanted = wantedBy(all) ?? expected
      return { instances: all, expected: wanted, settling: seenAlso(settling, id, wanted, all.size) }
    })
  }

  /** An instance that goes on purpose is not missed: the last one takes along what it expected. */
  #withdraw(peer: Peer, joined: Joined, service: string, id: string): Effect[] {
    if (!joined.instances.delete(nameOf(service, id))) return []
    return this.#change(service, ({ instances, expected }) => {
      if (instances.get(id)?.peer !== peer) return {}
      const left = withoutKey(instances, id)
      return { instances: left, expected: left.size === 0 ? undefined : (wantedBy(left) ?? expected) }
    })
  }

  #watch(peer: Peer, joined: Joined, service: string): Effect[] {
    if (joined.watches.size >= most.watchesOfPeer && !joined.watches.has(service))
      return this.#end(peer, `more than ${most.watchesOfPeer} watches`)
    if (!this.#room(service)) return this.#end(peer, `more than ${most.services} services`)
    joined.watches.add(service)
    this.#change(service, ({ watchers }) => ({ watchers: new Set(watchers).add(peer) }), 'quietly')
    return [{ kind: 'view', peer, service }]
  }

  #load(peer: Peer, { service, id, load }: LoadOf, at: number): void {
    const instance = this.#services.get(service)?.instances.get(id)
    if (instance?.peer === peer) instance.load = { value: load, at }
  }

  /** Those of a lost connection are gone at once, except who has come by another one meanwhile. */
  #lose(peer: Peer): Effect[] {
    const joined = this.#peers.get(peer)
    if (!joined) return []
    this.#peers.delete(peer)
    for (const service of joined.watches)
      this.#change(service, ({ watchers }) => ({ watchers: without(watchers, peer) }), 'quietly')
    return [...joined.instances.values()].flatMap(({ service, id }) => {
      if (this.#services.get(service)?.instances.get(id)?.peer !== peer) return []
      return this.#change(service, ({ instances }) => ({ instances: withoutKey(instances, id) }))
    })
  }

  #end(peer: Peer, why: string): Effect[] {
    return [...this.#lose(peer), { kind: 'end', peer, why }]
  }

  #silent(at: number): Effect[] {
    const away = this.#pauses.look(at)
    const effects: Effect[] = []
    for (const [peer, joined] of this.#peers) {
      joined.heardAt += away
      if (at - joined.heardAt >= this.#times.silenceMs)
        effects.push(...this.#end(peer, `nothing was heard for ${this.#times.silenceMs} ms`))
    }
    return effects
  }

  #settle(at: number): Effect[] {
    if (this.#settled || at < this.#settlesAt) return []
    this.#settled = true
    return [...this.#services.keys()].flatMap((service) =>
      this.#change(service, () => ({ settling: { at: 'settled' } })),
    )
  }

  /** The one place where a service changes. What nobody has, misses or watches is forgotten. */
  #change(service: string, change: (known: Service) => Partial<Service>, how?: 'quietly'): Effect[] {
    const known = this.#services.get(service) ?? this.#unknown()
    const next: Service = { ...known, ...change(known) }
    const { instances, watchers, expected, settling } = next
    // While it settles, who was seen must be remembered: a client may still have it in its list.
    const seen = settling.at === 'settling' && settling.seen.size > 0
    if (instances.size > 0 || watchers.size > 0 || expected !== undefined || seen) this.#services.set(service, next)
    else this.#services.delete(service)
    if (how === 'quietly') return []
    return [...watchers].map((peer) => ({ kind: 'view', peer, service }))
  }

  #room(service: string): boolean {
    return this.#services.has(service) || this.#services.size < most.services
  }

  #unknown(): Service {
    const settling: Settling = this.#settled ? { at: 'settled' } : { at: 'settling', seen: new Set() }
    return { instances: new Map(), watchers: new Set(), expected: undefined, settling }
  }
}

/** A service has settled as soon as all that it expects are there; what goes later is gone. */
function seenAlso(settling: Settling, id: string, expected: number | undefined, there: number): Settling {
  if (settling.at === 'settled' || (expected !== undefined && there >= expected)) return { at: 'settled' }
  return { at: 'settling', seen: new Set(settling.seen).add(id) }
}

/** While a service is being changed its instances may disagree: the newest knows best. */
function wantedBy(instances: ReadonlyMap<string, Instance>): number | undefined {
  const saying = [...instances.values()].filter(({ registration }) => registration.expected !== undefined)
  return saying.sort((a, b) => b.order - a.order)[0]?.registration.expected
}

/** An instance that has come up at the address of another one has replaced it, whether that is known to be gone or not. */
function newestByAddress({ instances }: Service): Map<string, Instance> {
  const found = new Map<string, Instance>()
  for (const instance of instances.values()) {
    const { address } = instance.registration
    const other = found.get(address)
    if (!other || other.order < instance.order) found.set(address, instance)
  }
  return found
}

function listed(service: string, known: Service, at: number): ListedService {
  const meant = newestByAddress(known)
  const instances = [...known.instances.values()].map(({ registration, since, load }): ListedInstance => {
    const newest = meant.get(registration.address)?.registration.id
    return {
      ...registration,
      sinceMs: at - since,
      ...(load && { load: load.value, loadAgeMs: at - load.at }),
      ...(newest !== undefined && newest !== registration.id && { hiddenBy: newest }),
    }
  })
  const settling = known.settling.at === 'settling'
  return { service, settling, instances, ...(known.expected !== undefined && { expected: known.expected }) }
}

function endpointOf({ id, address, frames, labels, weight, zone }: Registration): Endpoint {
  return {
    ...{ id, address, labels, weight },
    ...(frames !== undefined && { frames }),
    ...(zone !== undefined && { zone }),
  }
}

const nameOf = (service: string, id: string): string => JSON.stringify([service, id])

function without<T>(set: ReadonlySet<T>, one: T): ReadonlySet<T> {
  const rest = new Set(set)
  rest.delete(one)
  return rest
}

function withoutKey<K, V>(map: ReadonlyMap<K, V>, key: K): ReadonlyMap<K, V> {
  const rest = new Map(map)
  rest.delete(key)
  return rest
}
