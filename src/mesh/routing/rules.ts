import { duration, flag, type Got, list, number, oneOf, record, struct, text, unsupported, whole } from './fields.ts'

/**
 * What routes may say: the `spec` of an Istio VirtualService, read from JSON or YAML as it is. Durations are milliseconds once
 * they are read. Names, defaults and precedence are Istio's.
 */
export const stringMatch = struct({ exact: text, prefix: text, regex: text })
export const percent = struct({ value: number })

export const destination = struct({ host: text, subset: text, port: struct({ number: whole }) })

const headerOperations = struct({ set: record(text), add: record(text), remove: list(text) })
export const headers = struct({ request: headerOperations, response: headerOperations })

export const match = struct({
  name: text,
  uri: stringMatch,
  ignoreUriCase: flag,
  scheme: stringMatch,
  method: stringMatch,
  authority: stringMatch,
  headers: record(stringMatch),
  withoutHeaders: record(stringMatch),
  queryParams: record(stringMatch),
  port: whole,
  sourceLabels: record(text),
  sourceNamespace: text,
  gateways: list(text),
  statPrefix: text,
})

const weighted = struct({ destination, weight: whole, headers })

const redirect = struct({
  uri: text,
  prefixRewrite: text,
  authority: text,
  scheme: text,
  port: whole,
  derivePort: oneOf('FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT'),
  redirectCode: whole,
})

const fault = struct({
  delay: struct({
    fixedDelay: duration,
    percentage: percent,
    percent: whole,
    exponentialDelay: unsupported('Istio has it in its API alone; use fixedDelay'),
  }),
  abort: struct({
    httpStatus: whole,
    grpcStatus: text,
    percentage: percent,
    http2Error: unsupported('Istio has it in its API alone; use httpStatus or grpcStatus'),
  }),
})

const retries = struct({
  attempts: whole,
  perTryTimeout: duration,
  retryOn: text,
  backoff: duration,
  retryIgnorePreviousHosts: flag,
  retryRemoteLocalities: unsupported('clients do not balance by locality'),
})

export const httpRoute = struct({
  name: text,
  match: list(match),
  route: list(weighted),
  redirect,
  directResponse: struct({
    status: whole,
    body: struct({ string: text, bytes: unsupported('use string') }),
  }),
  rewrite: struct({ uri: text, uriRegexRewrite: struct({ match: text, rewrite: text }), authority: text }),
  timeout: duration,
  retries,
  fault,
  mirror: destination,
  mirrors: list(struct({ destination, percentage: percent })),
  mirrorPercent: whole,
  mirrorPercentage: percent,
  headers,
  corsPolicy: unsupported('browsers talk to a gateway, not to a client of the mesh'),
  delegate: unsupported('write the routes into one set of rules'),
})

export const routeRules = struct({
  hosts: list(text),
  gateways: list(text),
  http: list(httpRoute),
  tls: unsupported('only calls over HTTP are routed'),
  tcp: unsupported('only calls over HTTP are routed'),
  exportTo: unsupported('rules apply where they are loaded'),
})

export type StringMatch = Got<typeof stringMatch>
export type Percent = Got<typeof percent>
export type DestinationRef = Got<typeof destination>
export type Headers = Got<typeof headers>
export type HeaderOperations = Got<typeof headerOperations>
export type RouteMatch = Got<typeof match>
export type WeightedDestination = Got<typeof weighted>
export type HttpRoute = Got<typeof httpRoute>
export type Redirect = Got<typeof redirect>
export type Fault = Got<typeof fault>
export type Retries = Got<typeof retries>
export type RouteRules = Got<typeof routeRules>
