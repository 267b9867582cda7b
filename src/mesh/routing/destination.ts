import { type Endpoint, hasLabels } from '../endpoint.ts'
import {
  duration,
  durationOrNone,
  type Got,
  list,
  number,
  oneOf,
  record,
  struct,
  text,
  unsupported,
  whole,
} from './fields.ts'

/** How a service is called, and its subsets: the `spec` of an Istio DestinationRule, read as it is. */
const consistentHash = struct({
  httpHeaderName: text,
  httpQueryParameterName: text,
  httpCookie: unsupported('a client keeps no cookies; use httpHeaderName'),
  useSourceIp: unsupported('a client has one address; use httpHeaderName'),
  // They choose a table's kind and size; here there is none, and what they promise holds anyway.
  minimumRingSize: whole,
  ringHash: struct({ minimumRingSize: whole }),
  maglev: struct({ tableSize: whole }),
})

const loadBalancer = struct({
  simple: oneOf('UNSPECIFIED', 'LEAST_CONN', 'LEAST_REQUEST', 'ROUND_ROBIN', 'RANDOM', 'PASSTHROUGH'),
  consistentHash,
  warmup: struct({ duration, minimumPercent: number, aggression: number }),
  warmupDurationSecs: duration,
  localityLbSetting: unsupported('clients do not balance by locality'),
  zoneAwareLbSetting: unsupported('clients do not balance by locality'),
})

const connectionPool = struct({
  http: struct({
    http1MaxPendingRequests: whole,
    http2MaxRequests: whole,
    maxRequestsPerConnection: whole,
    maxRetries: whole,
    idleTimeout: duration,
    h2UpgradePolicy: unsupported('transports are chosen by what an endpoint speaks'),
    useClientProtocol: unsupported('transports are chosen by what an endpoint speaks'),
    maxConcurrentStreams: whole,
    http2KeepAlive: unsupported('transports keep their connections alive themselves'),
  }),
  tcp: struct({
    maxConnections: whole,
    connectTimeout: duration,
    tcpKeepalive: unsupported('transports keep their connections alive themselves'),
    maxConnectionDuration: duration,
    idleTimeout: durationOrNone,
  }),
})

const outlierDetection = struct({
  consecutiveGatewayErrors: whole,
  consecutive5xxErrors: whole,
  consecutiveErrors: unsupported('use consecutiveGatewayErrors or consecutive5xxErrors'),
  splitExternalLocalOriginErrors: unsupported('having no answer is as bad as an answer of 503'),
  consecutiveLocalOriginFailures: unsupported('having no answer is as bad as an answer of 503'),
  interval: duration,
  baseEjectionTime: duration,
  maxEjectionPercent: whole,
  minHealthPercent: whole,
  outlierDetectionHttpErrorCodes: unsupported('failures are 5xx, 429 and having no answer'),
})

const tls = unsupported('identities and certificates are not part of calls yet')

const portPolicy = struct({
  port: struct({ number: whole }),
  loadBalancer,
  connectionPool,
  outlierDetection,
  tls,
})

const trafficPolicy = struct({
  loadBalancer,
  connectionPool,
  outlierDetection,
  retryBudget: struct({
    percent: number,
    minRetryConcurrency: whole,
    budgetInterval: unsupported('this budget counts what is under way'),
  }),
  tls,
  portLevelSettings: list(portPolicy),
  tunnel: unsupported('calls go to endpoints directly'),
  proxyProtocol: unsupported('calls go to endpoints directly'),
})

export const destinationRules = struct({
  host: text,
  trafficPolicy,
  subsets: list(struct({ name: text, labels: record(text), trafficPolicy })),
  exportTo: unsupported('rules apply where they are loaded'),
  workloadSelector: unsupported('rules apply where they are loaded'),
})

export type DestinationRules = Got<typeof destinationRules>
export type TrafficPolicy = Got<typeof trafficPolicy>
export type LoadBalancer = Got<typeof loadBalancer>
export type ConnectionPool = Got<typeof connectionPool>
export type OutlierDetection = Got<typeof outlierDetection>

/**
 * What holds for one subset and port. A setting of the subset takes the place of the service's; settings for a port take the
 * place of all four together, so that what they leave out is at its default and not at the service's (Istio's rule).
 */
export function policyFor(rules: DestinationRules, subset?: string, port?: number): TrafficPolicy {
  const own = rules.subsets?.find((one) => one.name === subset)?.trafficPolicy
  return over(over({}, rules.trafficPolicy, port), own, port)
}

function over(below: TrafficPolicy, policy: TrafficPolicy | undefined, port: number | undefined): TrafficPolicy {
  const { portLevelSettings = [], ...own } = policy ?? {}
  const merged = { ...below, ...own }
  const settings = portLevelSettings.find((one) => port !== undefined && one.port?.number === port)
  if (!settings) return merged
  const { port: _, ...forPort } = settings
  return { ...(merged.retryBudget ? { retryBudget: merged.retryBudget } : {}), ...forPort }
}

/** The endpoints of a subset; nothing where the rules do not know it, since a request for it must fail, not go anywhere. */
export function endpointsOf(
  rules: DestinationRules | undefined,
  subset: string | undefined,
  all: readonly Endpoint[],
): readonly Endpoint[] | undefined {
  if (!subset) return all
  const labels = rules?.subsets?.find((one) => one.name === subset)?.labels
  if (!labels && !rules?.subsets?.some((one) => one.name === subset)) return undefined
  return all.filter((endpoint) => hasLabels(endpoint, labels ?? {}))
}
