import type { CallType } from './call.ts'
import { type AnyContract, info } from './contract.ts'
import { SkerryError } from './errors.ts'
import { randomIdentity, seededRandom } from './ids.ts'
import { withSaid } from './mesh/client/about.ts'
import { MeshClient } from './mesh/client/client.ts'
import { readCall, writeCall } from './mesh/client/exchange.ts'
import { clientRules } from './mesh/configuration/load.ts'
import type { MeshRules } from './mesh/configuration/rules.ts'
import { type Listed, StaticDiscovery } from './mesh/discovery/static.ts'
import type { Discovery } from './mesh/discovery.ts'
import type { LatencyParts } from './mesh/latency.ts'
import type { Source } from './mesh/request.ts'
import type { Priority } from './mesh/resilience/concurrency-limit.ts'
import type { ClientTls } from './mesh/tls.ts'
import { type OverGrpcOptions, overGrpc, type Speaking } from './over-grpc.ts'
import { openRegistry } from './registering.ts'
import type { Watcher } from './telemetry.ts'
import { type Clock, systemClock } from './time.ts'
import { type TransportOptions, transportOf } from './transports.ts'

export interface ClientOptions extends TransportOptions {
  /**
   * Where instances of the service are: `http://10.0.0.7:8080`, `unix:/run/orders.sock`, `tcp://10.0.0.7:7001` for frames, or
   * `{ address, frames }` for both.
   */
  readonly at?: readonly Listed[]
  /** Or the registry that knows: `unix:/run/skerry/registry.sock`, `tcp://10.0.0.7:7300`, and its secret. */
  readonly registry?: { readonly address: string; readonly secret: string; readonly tls?: ClientTls }
  /** Or anything else that knows. It is closed with the client. */
  readonly discovery?: Discovery
  /** The service that calls, for the services that say who may. */
  readonly from?: string
  /** Routes, subsets and policies: as they are, or the name of a YAML or JSON file that has them (needs `yaml`). */
  readonly rules?: MeshRules | string | URL
  /** Who calls, for routes that ask: labels of this process, and its namespace. */
  readonly source?: Partial<Source>
  /** gRPC instead of HTTP and frames, with instances at `grpc://10.0.0.7:50051` or `grpcs://…`. */
  readonly grpc?: OverGrpcOptions
  /** Is told of each answer: which call it was, who gave it after how many tries, and how long each part took. */
  readonly onAnswer?: (call: string, told: Told) => void
  /**
   * Is told of what `start` tells its watcher of calls to other services: each that is over (`called`), tries after the first
   * (`again`), instances that are left out for a while (`instance`), the registry (`registry`). It must be quick, and must not throw.
   */
  readonly watcher?: Watcher
  /** @default the system's */
  readonly clock?: Clock
}

export interface Told {
  /** Id of the instance. */
  readonly from: string | undefined
  readonly status: number
  readonly tries: number
  /** Milliseconds. */
  readonly latency: LatencyParts
}

export interface ClientCallOptions {
  /** Idempotency key: the call takes effect once, and so may be tried again when no answer came. 1–255 characters. */
  readonly key?: string
  /** How long to wait, all tries together, in milliseconds. @default what the contract says */
  readonly deadlineMs?: number
  readonly signal?: AbortSignal
  /** `low` is turned away first by services that have too much to do. @default 'normal' */
  readonly priority?: Priority
  /** Whose instance is asked where a policy balances by key: calls with the same one go to the same instance. */
  readonly balanceBy?: string
}

/** Calls one service from outside, wherever its instances are. */
export interface Client<Service extends string> {
  /**
   * Resolves with the answer. Rejects with the refusal that the contract declares (`Orders.place.refused(error, 'soldOut')`), or
   * with `unavailable`, `deadline_exceeded`, `overloaded`, …: a `SkerryError` like everywhere.
   */
  call<In, Received, Returned, Out, Errors, ReadOnly extends boolean>(
    type: CallType<Service, string, In, Received, Returned, Out, Errors, ReadOnly>,
    input: In,
    options?: ClientCallOptions,
  ): Promise<Out>
  /** Closes all connections. */
  close(): Promise<void>
}

/**
 * A client of the service whose contract this is: balanced over its instances, tried again within a budget where that is safe,
 * with circuits, deadlines and cancellation. One for a process. Needs `undici`. Throws `invalid_config`.
 */
export function client<C extends AnyContract>(contract: C, options: ClientOptions): Client<C[typeof info]['name']> {
  const { clock = systemClock, from, onAnswer, watcher } = options
  const service = contract[info].name
  const random = seededRandom(randomIdentity())
  const rules = clientRules(options.rules, options.source)
  const discovery = discoveryOf(service, options, clock)
  const { transport, write, read } = speakingOf(contract, options, clock)
  const mesh = new MeshClient({ ...rules, discovery, transport, clock, random, ...(watcher && { watcher }) })
  return {
    async call(type, input, { key, deadlineMs, signal, balanceBy, priority } = {}) {
      const written = write(type, input)
      const sendable = written instanceof Promise ? await written : written
      const headers = withSaid(sendable.headers, { from, key, priority })
      const answer = await mesh.request({
        ...{ ...sendable, headers, service, timeoutMs: deadlineMs ?? type.deadlineMs },
        idempotent: type.idempotent || key !== undefined,
        ...(balanceBy !== undefined && { key: balanceBy }),
        ...(signal && { signal }),
      })
      const { status, tries, latency } = answer
      onAnswer?.(type.name, { from: answer.from, status, tries, latency })
      return read(type, answer) as never
    },
    async close() {
      await mesh.close()
      await discovery.close()
    },
  }
}

function speakingOf(contract: AnyContract, options: ClientOptions, clock: Clock): Speaking {
  if (options.grpc) return overGrpc(contract, options.grpc, options, clock)
  return { transport: transportOf(options, clock), write: writeCall, read: readCall }
}

function discoveryOf(service: string, { at, registry, discovery, watcher }: ClientOptions, clock: Clock): Discovery {
  if ([at, registry, discovery].filter(Boolean).length !== 1)
    throw new SkerryError('invalid_config', `a client of ${service} needs one of at, registry and discovery`)
  if (at) return new StaticDiscovery({ [service]: at })
  if (registry) return openRegistry(registry, clock, watcher)
  return discovery as Discovery
}
