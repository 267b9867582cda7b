/** What routing may look at in a request. */
export interface RequestAttributes {
  /** The service that is called. */
  readonly service: string
  /** The port of the service that is called, where it has several. */
  readonly port?: number
  readonly method: string
  readonly scheme: 'http' | 'https'
  /** The `Host` or `:authority` as the caller says it. */
  readonly authority: string
  /** Without the query. Begins with `/`. */
  readonly path: string
  /** What follows the `?`, still encoded; empty without one. */
  readonly query: string
  /** By lower-case name; one that is repeated is joined by `,`. */
  readonly headers: Readonly<Record<string, string>>
}

/** Who sends the requests of a client: it is the same for all of them. */
export interface Source {
  readonly labels: Readonly<Record<string, string>>
  readonly namespace: string
}

/**
 * How one try of a request ended.
 *
 * - `answered`: the service, or something before it, gave a whole answer, of whatever status.
 * - `lost`: there is no answer. `connect` and `refused` never reached a handler; after `reset` and `timeout` nobody knows.
 * - `cancelled`: the caller wanted no answer any more. It says nothing of the endpoint, but for how long it had taken.
 */
export type Outcome =
  | {
      readonly kind: 'answered'
      /** HTTP status, 100–599. */
      readonly status: number
      /** gRPC status code, 0–16, where gRPC was spoken. */
      readonly grpcStatus?: number | undefined
      /** What `Retry-After` or `grpc-retry-pushback-ms` asked for, in milliseconds. */
      readonly retryAfterMs?: number | undefined
      /** The server says that nothing of the request has begun, and why: it leaves, it is not there yet, or it has too much to do. */
      readonly unbegun?: 'leaving' | 'starting' | 'shed' | undefined
    }
  | { readonly kind: 'lost'; readonly how: 'connect' | 'refused' | 'reset' | 'timeout' }
  | { readonly kind: 'cancelled' }

/** Codes of gRPC that blame the server: unknown, deadline exceeded, resource exhausted, internal, unavailable, data loss. */
const grpcFailures: ReadonlySet<number> = new Set([2, 4, 8, 13, 14, 15])

/**
 * What an outcome says about the endpoint that gave it: an answer of 4xx is a good one, but for 429 (too many requests). One that
 * turned a request away before it began is neither: it takes care of itself, and says when it may be asked again. Were that a failure,
 * circuits would open and instances be ejected for having as much to do as they can bear.
 */
export function verdictOf(outcome: Outcome): 'good' | 'bad' | 'none' {
  if (outcome.kind === 'cancelled') return 'none'
  if (outcome.kind === 'lost') return 'bad'
  if (outcome.unbegun !== undefined) return 'none'
  if (outcome.grpcStatus !== undefined && grpcFailures.has(outcome.grpcStatus)) return 'bad'
  return outcome.status >= 500 || outcome.status === 429 ? 'bad' : 'good'
}

/** True for 502, 503, 504 and what a proxy would turn into one of them: the endpoint cannot be used, whatever is asked. */
export function isGatewayError(outcome: Outcome): boolean {
  if (outcome.kind === 'lost') return true
  if (outcome.kind === 'cancelled') return false
  return outcome.grpcStatus === 14 || (outcome.status >= 502 && outcome.status <= 504)
}
