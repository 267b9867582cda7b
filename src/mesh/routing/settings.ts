import { defaultSlowStart, type SlowStart } from '../balancing/slow-start.ts'
import { type BulkheadPolicy, defaultBulkhead } from '../resilience/bulkhead.ts'
import { type CircuitPolicy, defaultCircuit } from '../resilience/circuit.ts'
import type { HedgePolicy } from '../resilience/hedging.ts'
import { defaultOutliers, type OutlierPolicy } from '../resilience/outliers.ts'
import { defaultPanicShare } from '../resilience/panic.ts'
import { defaultRetryBudget, type RetryBudgetPolicy } from '../resilience/retry-budget.ts'
import type { ConnectionPool, LoadBalancer, OutlierDetection, TrafficPolicy } from './destination.ts'

export type Balancing =
  | { readonly kind: 'least_request' | 'round_robin' | 'weighted' | 'random' }
  | { readonly kind: 'by_key'; readonly from: 'header' | 'query'; readonly name: string }
  /** By the key that a call is made with. */
  | { readonly kind: 'by_key'; readonly from: 'call' }

/** How the endpoints of one destination are called: all policies, with nothing left open. */
export interface DestinationSettings {
  readonly balancing: Balancing
  readonly slowStart: SlowStart
  readonly outliers: OutlierPolicy
  readonly circuit: CircuitPolicy
  /** Share of usable endpoints below which all are used, 0–1. */
  readonly panicShare: number
  readonly bulkhead: BulkheadPolicy
  readonly retryBudget:
    | ({ readonly kind: 'rate' } & RetryBudgetPolicy)
    | { readonly kind: 'concurrent'; readonly share: number; readonly least: number }
  /** Retries under way at a time; Infinity for no limit. */
  readonly mostRetries: number
  /** Whether a second request is sent when the first one takes long. */
  readonly hedging?: HedgePolicy
  /** Longest time to connect, in milliseconds. */
  readonly connectMs: number
  /** What a transport may make of the rest. */
  readonly pool: ConnectionPool
}

export const defaultSettings: DestinationSettings = {
  balancing: { kind: 'least_request' },
  slowStart: defaultSlowStart,
  outliers: defaultOutliers,
  circuit: defaultCircuit,
  panicShare: defaultPanicShare,
  bulkhead: defaultBulkhead,
  retryBudget: { kind: 'rate', ...defaultRetryBudget },
  mostRetries: Number.POSITIVE_INFINITY,
  connectMs: 1000,
  pool: {},
}

/** `usual`, except for what a policy sets: a block that is set has Istio's defaults for what it leaves out. */
export function settingsOf(policy: TrafficPolicy, usual: DestinationSettings = defaultSettings): DestinationSettings {
  const { loadBalancer, connectionPool, outlierDetection, retryBudget } = policy
  return {
    ...usual,
    ...(loadBalancer ? balancing(loadBalancer) : {}),
    ...(connectionPool ? connecting(connectionPool) : {}),
    ...(outlierDetection ? ejecting(outlierDetection) : {}),
    ...(retryBudget
      ? {
          retryBudget: {
            kind: 'concurrent',
            share: (retryBudget.percent ?? 20) / 100,
            least: retryBudget.minRetryConcurrency ?? 3,
          },
        }
      : {}),
  }
}

function balancing({ simple, consistentHash, warmup, warmupDurationSecs }: LoadBalancer): Partial<DestinationSettings> {
  const windowMs = warmup?.duration ?? warmupDurationSecs ?? 0
  return {
    balancing: consistentHash ? keyOf(consistentHash) : { kind: simpleKind(simple) },
    slowStart: { windowMs, least: (warmup?.minimumPercent ?? 10) / 100, aggression: warmup?.aggression ?? 1 },
  }
}

/** Round robin goes by weights in Envoy, too. */
function simpleKind(simple: LoadBalancer['simple']): 'least_request' | 'weighted' | 'random' {
  if (simple === 'ROUND_ROBIN') return 'weighted'
  return simple === 'RANDOM' ? 'random' : 'least_request'
}

function keyOf(hash: NonNullable<LoadBalancer['consistentHash']>): Balancing {
  if (hash.httpHeaderName) return { kind: 'by_key', from: 'header', name: hash.httpHeaderName.toLowerCase() }
  return { kind: 'by_key', from: 'query', name: hash.httpQueryParameterName ?? '' }
}

function connecting(pool: ConnectionPool): Partial<DestinationSettings> {
  const most = (limit: number | undefined): number => limit || Number.POSITIVE_INFINITY
  return {
    bulkhead: { running: most(pool.http?.http2MaxRequests), waiting: most(pool.http?.http1MaxPendingRequests) },
    mostRetries: most(pool.http?.maxRetries),
    connectMs: pool.tcp?.connectTimeout ?? 10_000,
    pool,
  }
}

/** Istio ejects by 5xx after five in a row unless told otherwise, by nothing else unless told to; a tenth at most, and never panics. */
function ejecting(given: OutlierDetection): Partial<DestinationSettings> {
  const ejectionMs = given.baseEjectionTime ?? 30_000
  return {
    outliers: {
      ...defaultOutliers,
      consecutive5xx: given.consecutive5xxErrors ?? 5,
      consecutiveGatewayErrors: given.consecutiveGatewayErrors ?? 0,
      failureShare: 0,
      intervalMs: given.interval ?? 10_000,
      ejectionMs,
      mostEjectionMs: Math.max(300_000, ejectionMs),
      mostEjected: (given.maxEjectionPercent || 10) / 100,
    },
    panicShare: (given.minHealthPercent ?? 0) / 100,
  }
}
