import type { SlowStart } from '../balancing/slow-start.ts'
import { defaultSlowStart } from '../balancing/slow-start.ts'
import type { BulkheadPolicy } from '../resilience/bulkhead.ts'
import { type CircuitPolicy, defaultCircuit } from '../resilience/circuit.ts'
import { defaultHedge, type HedgePolicy } from '../resilience/hedging.ts'
import type { OutlierPolicy } from '../resilience/outliers.ts'
import { type CallRetryPolicy, defaultCallRetry } from '../resilience/retry.ts'
import { defaultRetryBudget, type RetryBudgetPolicy } from '../resilience/retry-budget.ts'
import {
  duration,
  durationOrNone,
  flag,
  list,
  number,
  oneOf,
  type Problem,
  type Read,
  struct,
  text,
  unknown,
  whole,
} from '../routing/fields.ts'
import { checkHost } from '../routing/names.ts'
import { parseConditions, retryConditions } from '../routing/retries.ts'
import { type Balancing, type DestinationSettings, defaultSettings } from '../routing/settings.ts'

/** How the instances of a service are called: what is left out stays as it is by default. */
export interface Policy {
  /** The service, or `*` for all that have no policy of their own. */
  readonly host: string
  /**
   * Who of the instances is asked. `least_request`: the better one of two, by requests under way, latency and failures. `weighted`:
   * smoothly in turn by weight. `by_key`: the same one for the same `key` of a call, or value of a header or query field.
   * @default 'least_request'
   */
  readonly balancing?: 'least_request' | 'round_robin' | 'weighted' | 'random' | 'by_key' | KeyedBy
  /** How a new instance comes to its full share; `false`: at once. For `least_request` and `weighted`. */
  readonly slowStart?: Partial<SlowStart> | false
  /** After what, and how often, a call is tried again; `false`: never. `on` has Istio's names, and statuses. */
  readonly retry?: (Partial<Omit<CallRetryPolicy, 'on'>> & { readonly on?: readonly (string | number)[] }) | false
  readonly retryBudget?: Partial<RetryBudgetPolicy>
  /** When an instance is not asked for a moment; `false`: never. */
  readonly circuit?: Partial<CircuitPolicy> | false
  /** When an instance that fails while others do not is left out; `false`: never. */
  readonly outliers?: Partial<OutlierPolicy> | false
  /** Share of usable instances below which all are used, 0–1. @default 0.5 */
  readonly panicShare?: number
  /** How many calls may be under way, and how many may wait for that. */
  readonly bulkhead?: Partial<BulkheadPolicy>
  /** A second request to another instance when the first takes longer than most; of idempotent calls. @default false */
  readonly hedging?: Partial<HedgePolicy> | boolean
}

export interface KeyedBy {
  /** In lower case. */
  readonly header?: string
  readonly query?: string
}

const share = within(number, 0, 1)
const positive = within(duration, 1, 3_600_000)

/** What must be there, or be turned off. */
function orFlag<T>(read: Read<T>): Read<T | boolean> {
  return (value, path, problems) => (typeof value === 'boolean' ? value : read(value, path, problems))
}

function within(read: Read<number>, least: number, most: number): Read<number> {
  return (value, path, problems) => {
    const got = read(value, path, problems)
    if (got === undefined || (got >= least && got <= most)) return got
    problems.push({ path, message: `${got} is not within ${least}–${most}` })
    return undefined
  }
}

const count = (least: number): Read<number> => within(whole, least, 1_000_000_000)

const kinds = ['least_request', 'round_robin', 'weighted', 'random', 'by_key'] as const

const balancing: Read<Exclude<Policy['balancing'], undefined>> = (value, path, problems) => {
  if (typeof value === 'string') return oneOf(...kinds)(value, path, problems)
  const keyed = struct({ header: text, query: text })(value, path, problems)
  if (keyed && (keyed.header === undefined) === (keyed.query === undefined))
    problems.push({ path, message: 'needs one of header and query' })
  return keyed
}

const condition: Read<string | number> = (value, path, problems) => {
  if (typeof value === 'number') return within(whole, 100, 599)(value, path, problems)
  const name = text(value, path, problems)
  if (name === undefined || retryConditions.includes(name) || /^[1-5]\d\d$/.test(name)) return name
  problems.push({ path, message: unknown('condition', name, retryConditions) })
  return undefined
}

const shape = struct({
  host: text,
  balancing,
  slowStart: orFlag(struct({ windowMs: durationOrNone, least: share, aggression: within(number, 0.1, 100) })),
  retry: orFlag(
    struct({
      retries: within(whole, 0, 10),
      on: list(condition),
      perTryMs: positive,
      firstMs: positive,
      mostMs: positive,
      avoidTried: flag,
    }),
  ),
  retryBudget: struct({ share, floorPerSecond: within(number, 0, 1_000_000) }),
  circuit: orFlag(struct({ windowMs: positive, least: count(1), share, firstMs: positive, mostMs: positive })),
  outliers: orFlag(
    struct({
      consecutive5xx: count(0),
      consecutiveGatewayErrors: count(0),
      failureShare: share,
      leastRequests: count(1),
      leastEndpoints: count(1),
      intervalMs: positive,
      ejectionMs: positive,
      mostEjectionMs: positive,
      mostEjected: share,
    }),
  ),
  panicShare: share,
  bulkhead: struct({ running: count(1), waiting: count(0) }),
  hedging: orFlag(struct({ quantile: share, leastMs: positive, requests: within(whole, 2, 4) })),
})

/** Reads one of unknown shape; what is wrong goes to the problems. */
export const readPolicy: Read<Policy> = (value, path, problems) => {
  const before = problems.length
  const read = shape(value, path, problems)
  if (!read || problems.length > before) return undefined
  const at = path === '' ? 'host' : `${path}.host`
  if (!read.host) problems.push({ path: at, message: "is required; '*' is every service" })
  else if (read.host !== '*') checkHost(read.host, at, problems)
  for (const name of ['slowStart', 'retry', 'circuit', 'outliers'] as const)
    if (read[name] === true) problems.push(trueOf(path, name))
  return read as Policy
}

const trueOf = (path: string, name: string): Problem => ({
  path: path === '' ? name : `${path}.${name}`,
  message: 'must be an object, or false to turn it off; it is on by default',
})

/** What holds for one service. */
export interface ServicePolicy {
  readonly settings: DestinationSettings
  readonly retry: CallRetryPolicy
}

const never = Number.POSITIVE_INFINITY

export function servicePolicy(policy: Policy | undefined): ServicePolicy {
  if (!policy) return { settings: defaultSettings, retry: defaultCallRetry }
  const { panicShare, retryBudget, bulkhead } = policy
  return {
    settings: {
      ...defaultSettings,
      ...(policy.balancing !== undefined && { balancing: balancingOf(policy.balancing) }),
      ...(policy.slowStart !== undefined && {
        slowStart: { ...defaultSlowStart, ...(policy.slowStart || { windowMs: 0 }) },
      }),
      ...(policy.circuit !== undefined && { circuit: { ...defaultCircuit, ...(policy.circuit || { least: never }) } }),
      ...(policy.outliers !== undefined && { outliers: outliersOf(policy.outliers) }),
      ...(panicShare !== undefined && { panicShare }),
      ...(retryBudget && { retryBudget: { kind: 'rate', ...defaultRetryBudget, ...retryBudget } }),
      ...(bulkhead && { bulkhead: { ...defaultSettings.bulkhead, ...bulkhead } }),
      ...(policy.hedging && { hedging: { ...defaultHedge, ...(policy.hedging === true ? {} : policy.hedging) } }),
    },
    retry: retryOf(policy.retry),
  }
}

function balancingOf(given: Exclude<Policy['balancing'], undefined>): Balancing {
  if (typeof given !== 'string')
    return given.header === undefined
      ? { kind: 'by_key', from: 'query', name: given.query ?? '' }
      : { kind: 'by_key', from: 'header', name: given.header.toLowerCase() }
  return given === 'by_key' ? { kind: 'by_key', from: 'call' } : { kind: given }
}

function outliersOf(given: Exclude<Policy['outliers'], undefined>): OutlierPolicy {
  if (given) return { ...defaultSettings.outliers, ...given }
  return { ...defaultSettings.outliers, consecutive5xx: 0, consecutiveGatewayErrors: 0, failureShare: 0 }
}

function retryOf(given: Policy['retry']): CallRetryPolicy {
  if (given === undefined) return defaultCallRetry
  if (given === false) return { ...defaultCallRetry, retries: 0 }
  const { on, ...rest } = given
  return { ...defaultCallRetry, ...rest, ...(on && { on: parseConditions(on.map(String)) }) }
}
