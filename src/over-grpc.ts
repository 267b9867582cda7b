import type { AnyCall } from './call.ts'
import type { AnyContract } from './contract.ts'
import type { Sendable } from './mesh/client/exchange.ts'
import type { Target, Transport, WireAnswer, WireRequest } from './mesh/transport.ts'
import type { Clock } from './time.ts'
import type { TransportOptions } from './transports.ts'

export interface OverGrpcOptions {
  /** What `skerry contracts proto` prints for the service: the numbers of fields that its servers have. */
  readonly proto: string
  /** @default 1000 ms */
  readonly connectTimeoutMs?: number
  /** Longest answer that is read, in bytes. @default 16 MiB */
  readonly maxBytes?: number
}

/** How the calls of one contract go out: written, carried, read. */
export interface Speaking {
  readonly transport: Transport
  write(type: AnyCall, input: unknown): Sendable | Promise<Sendable>
  read(type: AnyCall, answer: WireAnswer): unknown
}

/**
 * gRPC. Its libraries are loaded here alone, when a client wants it: nobody else needs to have them. Needs `@grpc/grpc-js`,
 * `@grpc/proto-loader` and `protobufjs`.
 */
export function overGrpc(
  contract: AnyContract,
  { proto, ...limits }: OverGrpcOptions,
  { tls }: TransportOptions,
  clock: Clock,
): Speaking {
  const messages = import('./mesh/grpc/messages.ts').then(({ GrpcMessages }) => new GrpcMessages(contract, proto))
  const transport = import('./mesh/grpc/transport.ts').then(
    ({ GrpcTransport }) => new GrpcTransport({ clock, ...limits, ...(tls && { tls }) }),
  )
  // Calls tell what went wrong; a client that makes none has nothing to complain about.
  for (const loading of [messages, transport]) loading.catch(() => {})
  return {
    transport: new Loaded(transport),
    write: async (type, input) => (await messages).write(type, input),
    read: async (type, answer) => (await messages).read(type, answer),
  }
}

/** A transport that is still being loaded. */
class Loaded implements Transport {
  readonly #loading: Promise<Transport>

  constructor(loading: Promise<Transport>) {
    this.#loading = loading
  }

  async send(target: Target, request: WireRequest, signal: AbortSignal): Promise<WireAnswer> {
    return (await this.#loading).send(target, request, signal)
  }

  keepOnly(targets: readonly Target[]): void {
    this.#loading.then((transport) => transport.keepOnly(targets)).catch(() => {})
  }

  async close(): Promise<void> {
    await (await this.#loading.catch(() => undefined))?.close()
  }
}
