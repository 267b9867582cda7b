import type { Endpoint } from '../../endpoint.ts'

/**
 * What a registry and its clients say to each other: JSON, one message a line. The registry begins with a challenge; until it has
 * welcomed, a client says its proof and nothing else. Then both ping once a second.
 */
export const protocol = 'skerry-registry/1'

/** What an instance says of itself. */
export interface Registration extends Endpoint {
  readonly service: string
  /** Whether it takes calls now. */
  readonly ready: boolean
  /** How many instances of the service there should be. */
  readonly expected?: number
}

/** Requests that are under way at an instance. */
export interface LoadOf {
  readonly service: string
  readonly id: string
  readonly load: number
}

/** What a client says of who it is. */
export interface Proof {
  readonly kind: 'proof'
  readonly nonce: string
  readonly mac: string
}

/** What a client says once it is welcome. */
export type Asked =
  | { readonly kind: 'register'; readonly registration: Registration }
  | { readonly kind: 'withdraw'; readonly service: string; readonly id: string }
  | { readonly kind: 'watch'; readonly service: string }
  | { readonly kind: 'unwatch'; readonly service: string }
  | { readonly kind: 'list' }
  | { readonly kind: 'ping'; readonly loads: readonly LoadOf[] }

/** Who takes calls for a service. */
export interface ServiceView {
  readonly service: string
  readonly endpoints: readonly Endpoint[]
  readonly expected?: number
  /**
   * While the registry has just begun and may not know everybody: the ids of all that it has seen since. Who was known before and
   * is not among them may still be there.
   */
  readonly seen?: readonly string[]
}

export interface ListedInstance extends Registration {
  /** As it said last; absent while it says none. */
  readonly load?: number
  /** How long ago it said so, in milliseconds. */
  readonly loadAgeMs?: number
  /** How long it has been registered here, in milliseconds. */
  readonly sinceMs: number
  /** Id of a newer instance with the same address, which gets its calls. */
  readonly hiddenBy?: string
}

/** Everything that a registry knows of a service. */
export interface ListedService {
  readonly service: string
  readonly expected?: number
  readonly settling: boolean
  readonly instances: readonly ListedInstance[]
}

export type Told =
  | { readonly kind: 'challenge'; readonly protocol: string; readonly nonce: string }
  | { readonly kind: 'welcome'; readonly mac: string }
  | { readonly kind: 'refused'; readonly reason: string }
  | ({ readonly kind: 'view' } & ServiceView)
  | { readonly kind: 'listing'; readonly services: readonly ListedService[] }
  | { readonly kind: 'ping' }

/** What came is none of this: the connection that it came by is of no use any more. */
export class Malformed extends Error {
  override readonly name = 'Malformed'
}

/** Longest message that a registry reads, in bytes. */
export const longestAsked = 64 * 1024
/** Longest name of a service, id, zone or label, in characters; and the longest address. */
const longest = { name: 256, address: 2048 }
const mostLabels = 64
const mostLoads = 1024

type Fields = Readonly<Record<string, unknown>>

/** Throws `Malformed`, as everything that reads what came does. */
export function readProof(line: string): Proof {
  const said = parse(line)
  if (said.kind !== 'proof') throw new Malformed('something before the proof')
  return { kind: 'proof', nonce: text(said, 'nonce'), mac: text(said, 'mac') }
}

export function readAsked(line: string): Asked {
  const said = parse(line)
  switch (said.kind) {
    case 'register':
      return { kind: 'register', registration: readRegistration(fields(said, 'registration')) }
    case 'withdraw':
      return { kind: 'withdraw', service: text(said, 'service'), id: text(said, 'id') }
    case 'watch':
    case 'unwatch':
      return { kind: said.kind, service: text(said, 'service') }
    case 'list':
      return { kind: 'list' }
    case 'ping':
      return { kind: 'ping', loads: list(said, 'loads', mostLoads).map(readLoad) }
    default:
      throw new Malformed('a message of no known kind')
  }
}

export function readTold(line: string): Told {
  const said = parse(line)
  switch (said.kind) {
    case 'challenge':
      return { kind: 'challenge', protocol: text(said, 'protocol'), nonce: text(said, 'nonce') }
    case 'welcome':
      return { kind: 'welcome', mac: text(said, 'mac') }
    case 'refused':
      return { kind: 'refused', reason: text(said, 'reason') }
    case 'view':
      return { kind: 'view', ...readView(said) }
    case 'listing':
      return { kind: 'listing', services: list(said, 'services').map(readListed) }
    case 'ping':
      return { kind: 'ping' }
    default:
      throw new Malformed('a message of no known kind')
  }
}

function parse(line: string): Fields {
  try {
    return record(JSON.parse(line), 'a message')
  } catch (error) {
    throw error instanceof Malformed ? error : new Malformed('a line that is no JSON')
  }
}

function readRegistration(said: Fields): Registration {
  const expected = optional(said, 'expected', (value) => count(value, 'expected'))
  return {
    ...readEndpoint(said),
    service: text(said, 'service'),
    ready: flag(said, 'ready'),
    ...(expected !== undefined && { expected }),
  }
}

function readEndpoint(said: unknown): Endpoint {
  const of = record(said, 'an endpoint')
  const { weight } = of
  if (typeof weight !== 'number' || !Number.isFinite(weight) || weight < 0) throw new Malformed('weight')
  const address = text(of, 'address', longest.address)
  if (!URL.canParse(address)) throw new Malformed('address: no URL')
  const frames = optional(of, 'frames', () => text(of, 'frames', longest.address))
  if (frames !== undefined && !URL.canParse(frames)) throw new Malformed('frames: no URL')
  const zone = optional(of, 'zone', () => text(of, 'zone'))
  return {
    ...{ id: text(of, 'id'), address, labels: readLabels(of), weight },
    ...(frames !== undefined && { frames }),
    ...(zone !== undefined && { zone }),
  }
}

function readLabels(of: Fields): Record<string, string> {
  const entries = Object.entries(fields(of, 'labels'))
  if (entries.length > mostLabels) throw new Malformed(`labels: at most ${mostLabels}`)
  for (const [name, value] of entries)
    if (typeof value !== 'string' || value.length > longest.name || name.length > longest.name)
      throw new Malformed('labels')
  return Object.fromEntries(entries) as Record<string, string>
}

function readLoad(said: unknown): LoadOf {
  const of = record(said, 'a load')
  const { load } = of
  if (typeof load !== 'number' || !Number.isFinite(load) || load < 0) throw new Malformed('load')
  return { service: text(of, 'service'), id: text(of, 'id'), load }
}

function readView(said: Fields): ServiceView {
  const expected = optional(said, 'expected', (value) => count(value, 'expected'))
  const seen = optional(said, 'seen', () => list(said, 'seen').map((id) => text({ id }, 'id')))
  return {
    service: text(said, 'service'),
    endpoints: list(said, 'endpoints').map(readEndpoint),
    ...(expected !== undefined && { expected }),
    ...(seen && { seen }),
  }
}

function readListed(said: unknown): ListedService {
  const of = record(said, 'a service')
  const expected = optional(of, 'expected', (value) => count(value, 'expected'))
  return {
    service: text(of, 'service'),
    settling: flag(of, 'settling'),
    instances: list(of, 'instances').map(readInstance),
    ...(expected !== undefined && { expected }),
  }
}

function readInstance(said: unknown): ListedInstance {
  const of = record(said, 'an instance')
  const hiddenBy = optional(of, 'hiddenBy', () => text(of, 'hiddenBy'))
  const { load, loadAgeMs, sinceMs } = of
  const loaded = typeof load === 'number' && typeof loadAgeMs === 'number'
  return {
    ...readRegistration(of),
    sinceMs: typeof sinceMs === 'number' ? sinceMs : 0,
    ...(loaded && { load, loadAgeMs }),
    ...(hiddenBy !== undefined && { hiddenBy }),
  }
}

function record(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Malformed(`${what}: no object`)
  return value as Fields
}

function own(of: Fields, name: string): unknown {
  return Object.hasOwn(of, name) ? of[name] : undefined
}

const fields = (of: Fields, name: string): Fields => record(own(of, name), name)

function text(of: Fields, name: string, most = longest.name): string {
  const value = own(of, name)
  if (typeof value !== 'string' || value === '' || value.length > most) throw new Malformed(`${name}: no text`)
  return value
}

function flag(of: Fields, name: string): boolean {
  const value = own(of, name)
  if (typeof value !== 'boolean') throw new Malformed(`${name}: neither true nor false`)
  return value
}

function list(of: Fields, name: string, most = Number.POSITIVE_INFINITY): readonly unknown[] {
  const value = own(of, name)
  if (!Array.isArray(value) || value.length > most) throw new Malformed(`${name}: no list`)
  return value
}

function count(value: unknown, name: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new Malformed(`${name}: no count`)
  return value as number
}

function optional<T>(of: Fields, name: string, reading: (value: unknown) => T): T | undefined {
  const value = own(of, name)
  return value === undefined ? undefined : reading(value)
}
