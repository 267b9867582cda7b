import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { messageOf, SkerryError } from '../../../errors.ts'
import type { Random } from '../../../ids.ts'
import type { Clock, Timer } from '../../../time.ts'
import type { Discovery, Update } from '../../discovery.ts'
import { sameEndpoints, type View, Watching } from '../watching.ts'
import { type RegistryAddress, registryAddress } from './address.ts'
import { RegistryLink } from './link.ts'
import { lost, told } from './merge.ts'
import {
  type ListedService,
  type LoadOf,
  longestAsked,
  Malformed,
  type Registration,
  readAsked,
  type ServiceView,
  type Told,
} from './messages.ts'
import { checkSecret } from './secret.ts'
import { most } from './state.ts'

export interface RegistryDiscoveryOptions {
  readonly clock: Clock
  readonly random: Random
  /** `unix:/run/skerry/registry.sock`, `tcp://10.0.0.7:7300`, `tls://registry.internal:7300`. */
  readonly address: string
  readonly secret: string
  readonly tls?: TlsOptions
  /** Is told why the registry is away: once, until something else is wrong or it was there again. */
  readonly onTrouble?: (error: SkerryError) => void
  /** Is told when the registry has taken us in, and each time that it does so again. */
  readonly onJoined?: () => void
}

/** One instance, as this process has registered it. */
export interface Registered {
  /** Says something else of it from now on. */
  update(changes: Partial<Pick<Registration, 'ready' | 'weight' | 'labels' | 'expected'>>): void
  /** Takes it away on purpose: nobody misses it. */
  withdraw(): void
}

interface Ours {
  registration: Registration
  readonly load: (() => number) | undefined
}

type State =
  | { readonly at: 'idle' }
  | { readonly at: 'away'; readonly timer: Timer }
  | { readonly at: 'joining'; readonly link: RegistryLink }
  | { readonly at: 'joined'; readonly link: RegistryLink; readonly since: number }
  | { readonly at: 'closed' }

const firstWaitMs = 50
const longestWaitMs = 2000
/** A connection that lived this long was a good one: the next wait is a short one again. */
const goodMs = 5000

/** Wait before the next try after so many failures in a row: exponential, half of it by chance. */
export function reconnectMs(failures: number, random: Random): number {
  return Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(failures, 20)) * (0.5 + 0.5 * random())
}

/**
 * Discovery by a registry, and the registration of own instances there: one connection for all that a process has, made when it
 * is needed and made anew when it ends. While the registry is away, all lists stay as they are.
 */
export class RegistryDiscovery implements Discovery {
  readonly #options: Required<Omit<RegistryDiscoveryOptions, 'tls' | 'address'>>
  readonly #address: RegistryAddress
  readonly #tls: TlsOptions | undefined
  readonly #watching = new Watching()
  /** Undefined while nothing is. */
  readonly #known = new Map<string, View | undefined>()
  readonly #ours = new Map<string, Ours>()
  #joins: PromiseWithResolvers<void>[] = []
  #listings: PromiseWithResolvers<readonly ListedService[]>[] = []
  #state: State = { at: 'idle' }
  #failures = 0
  #trouble = ''

  /** Throws `invalid_config` for a wrong address or a secret that is too short. */
  constructor({ address, tls, ...options }: RegistryDiscoveryOptions) {
    checkSecret(options.secret)
    this.#address = registryAddress(address)
    this.#tls = tls
    this.#options = { onTrouble: () => {}, onJoined: () => {}, ...options }
  }

  watch(service: string, update: Update): () => void {
    this.#mustBeOpen()
    const isNew = !this.#known.has(service)
    if (isNew && this.#known.size >= most.watchesOfPeer) throw tooMany('services watched', most.watchesOfPeer)
    const stop = this.#watching.watch(service, update, () => this.#forget(service))
    if (isNew) {
      this.#known.set(service, undefined)
      this.#link?.say({ kind: 'watch', service })
    }
    this.#connect()
    return stop
  }

  /**
   * Registers an instance until it is withdrawn or this process ends. `load` says how many requests are under way at it, once
   * a second. Throws `invalid_config` naming the field, and when the process has registered it already.
   */
  register(registration: Registration, load?: () => number): Registered {
    this.#mustBeOpen()
    const { service, id } = registration
    const name = JSON.stringify([service, id])
    if (this.#ours.has(name)) throw new SkerryError('invalid_config', `${service}: ${id} is registered already`)
    if (this.#ours.size >= most.instancesOfPeer) throw tooMany('instances registered', most.instancesOfPeer)
    const ours: Ours = { registration: checked(registration), load }
    this.#ours.set(name, ours)
    this.#link?.say({ kind: 'register', registration })
    this.#connect()
    return {
      update: (changes) => {
        if (this.#ours.get(name) !== ours) return
        ours.registration = checked({ ...ours.registration, ...changes })
        this.#link?.say({ kind: 'register', registration: ours.registration })
      },
      withdraw: () => {
        if (this.#ours.get(name) !== ours) return
        this.#ours.delete(name)
        this.#link?.say({ kind: 'withdraw', service, id })
      },
    }
  }

  /** Resolves when the registry has taken us in; rejects when the try that is under way fails. It is tried again all the same. */
  async joined(): Promise<void> {
    this.#mustBeOpen()
    if (this.#state.at === 'joined') return
    const join = Promise.withResolvers<void>()
    this.#joins.push(join)
    this.#connect()
    return join.promise
  }

  /** Everything that the registry knows. Rejects with `unavailable` or `unauthorized`. */
  async list(): Promise<readonly ListedService[]> {
    await this.joined()
    const listing = Promise.withResolvers<readonly ListedService[]>()
    this.#listings.push(listing)
    this.#link?.say({ kind: 'list' })
    return listing.promise
  }

  async close(): Promise<void> {
    const state = this.#state
    if (state.at === 'closed') return
    for (const { registration } of this.#ours.values())
      this.#link?.say({ kind: 'withdraw', service: registration.service, id: registration.id })
    this.#state = { at: 'closed' }
    this.#watching.end()
    this.#known.clear()
    this.#ours.clear()
    this.#reject(closed())
    if (state.at === 'away') state.timer.cancel()
    if (state.at === 'joining' || state.at === 'joined') await state.link.close()
  }

  get #link(): RegistryLink | undefined {
    return this.#state.at === 'joined' ? this.#state.link : undefined
  }

  #connect(): void {
    if (this.#state.at !== 'idle') return
    const link = new RegistryLink({
      clock: this.#options.clock,
      secret: this.#options.secret,
      address: this.#address,
      tls: this.#tls,
      joined: () => this.#joined(link),
      told: (message) => this.#told(message),
      loads: () => this.#loads(),
      ended: (why) => this.#ended(why),
    })
    this.#state = { at: 'joining', link }
  }

  #joined(link: RegistryLink): void {
    this.#state = { at: 'joined', link, since: this.#options.clock.monotonic() }
    this.#trouble = ''
    for (const { registration } of this.#ours.values()) link.say({ kind: 'register', registration })
    for (const service of this.#known.keys()) link.say({ kind: 'watch', service })
    for (const join of this.#joins.splice(0)) join.resolve()
    this.#options.onJoined()
  }

  #told(message: Told): void {
    if (message.kind === 'view') this.#view(message)
    else if (message.kind === 'listing') for (const one of this.#listings.splice(0)) one.resolve(message.services)
  }

  #view(said: ServiceView): void {
    const { service } = said
    if (this.#known.has(service)) this.#know(service, told(this.#known.get(service), said))
  }

  #ended(why: SkerryError): void {
    const { clock, random, onTrouble } = this.#options
    const lived = this.#state.at === 'joined' ? clock.monotonic() - this.#state.since : 0
    this.#failures = lived >= goodMs ? 0 : this.#failures + 1
    const timer = clock.after(reconnectMs(this.#failures, random), () => {
      this.#state = { at: 'idle' }
      this.#connect()
    })
    this.#state = { at: 'away', timer }
    for (const [service, view] of this.#known) if (view) this.#know(service, lost(view))
    this.#reject(why)
    if (why.message === this.#trouble) return
    this.#trouble = why.message
    onTrouble(why)
  }

  #know(service: string, view: View): void {
    this.#known.set(service, view)
    const before = this.#watching.viewOf(service)
    if (!before || !sameView(before, view)) this.#watching.tell(service, view)
  }

  #loads(): LoadOf[] {
    return [...this.#ours.values()].flatMap(({ registration: { service, id }, load }) =>
      load ? [{ service, id, load: load() }] : [],
    )
  }

  #forget(service: string): void {
    this.#known.delete(service)
    this.#link?.say({ kind: 'unwatch', service })
  }

  #reject(why: SkerryError): void {
    for (const join of this.#joins.splice(0)) join.reject(why)
    for (const listing of this.#listings.splice(0)) listing.reject(why)
  }

  #mustBeOpen(): void {
    if (this.#state.at === 'closed') throw closed()
  }
}

const tooMany = (what: string, limit: number): SkerryError =>
  new SkerryError('invalid_config', `one process has at most ${limit} ${what} with a registry`)

const closed = (): SkerryError => new SkerryError('closed', 'the discovery is closed')

function sameView(a: View, b: View): boolean {
  return a.freshness === b.freshness && a.expected === b.expected && sameEndpoints(a.endpoints, b.endpoints)
}

/** The registry would end the connection, again and again. */
function checked(registration: Registration): Registration {
  try {
    const line = JSON.stringify({ kind: 'register', registration })
    readAsked(line)
    if (Buffer.byteLength(line) > longestAsked) throw new Malformed(`more than ${longestAsked} bytes`)
    return registration
  } catch (cause) {
    if (!(cause instanceof Malformed)) throw cause
    const problem = `${registration.service}: it cannot be registered (${messageOf(cause)})`
    throw new SkerryError('invalid_config', problem, { cause })
  }
}
