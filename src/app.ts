import type { CallType } from './call.ts'
import type { AnyContract, EventType } from './contract.ts'
import type { PublishOptions, SendOptions, SentBy, Sql } from './flow/handler.ts'
import type { ServerTls } from './mesh/server/tls.ts'
import type { AnyService, Service } from './service.ts'
import type { ReadTx } from './store/store.ts'

/** Services at work in this process, and the way to talk to them from outside. */
export interface App {
  /** Where calls are served: `http://127.0.0.1:41234`, `unix:/run/orders.sock`; undefined without the option `http`. */
  readonly url: string | undefined
  /** Where they are served by frames: `tcp://127.0.0.1:7001`, `unix:/run/orders.frames`; undefined without the option `frames`. */
  readonly framesUrl: string | undefined
  /** Where they are served over gRPC: `grpc://127.0.0.1:50051`; undefined without the option `grpc`. */
  readonly grpcUrl: string | undefined
  /**
   * Another certificate for what is served within TLS, from the next connection on; those that are there stay. Throws
   * `invalid_config` where it cannot be used, is for nothing, or would change whether clients show certificates; nothing changes then.
   */
  renewTls(tls: ServerTls): void
  /** Publishes as an outsider: resolves with the event's id once it is on disk. Waits for room, then `overloaded`. */
  publish<In, Out>(type: EventType<string, string, In, Out>, data: In, options?: PublishOptions): Promise<string>
  /**
   * Sends a call in the name of a service that runs in this process, as its handlers do by `tx.send`: resolves once it is on disk, with
   * the id that the reply names, which is an event for `onReply` of that service. Rejects with `invalid_request`, `not_found` where the
   * service does not run here, `invalid_config` where the contract does not let it send.
   */
  send<Own extends string, In, Received, Returned, Out, Errors>(
    sender: Service<Own>,
    type: CallType<string, string, In, Received, Returned, Out, Errors, false> & SentBy<NoInfer<Own>>,
    input: In,
    options?: SendOptions,
  ): Promise<string>
  /** A named publisher that numbers its events itself, so that repeating them is harmless. */
  publisher(contract: AnyContract, name: string): Promise<NumberedPublisher>
  /**
   * Resolves when every event that the bus holds is handled, parked or waiting for its time, and every outbox is empty.
   * Paused subscriptions do not count.
   */
  settled(): Promise<void>
  /**
   * Calls a service that runs in this process, as an outsider: resolves with its answer once all effects are on disk. Rejects
   * with what the call was refused with, `deadline_exceeded`, `key_reused`, …; then it has had no effect.
   */
  call<In, Received, Returned, Out, Errors, ReadOnly extends boolean>(
    type: CallType<string, string, In, Received, Returned, Out, Errors, ReadOnly>,
    input: In,
    options?: CallOptions,
  ): Promise<Out>
  /** Reads a service's store on one snapshot. */
  read<T>(service: AnyService, work: (tx: ReadTx & { readonly sql: Sql }) => Promise<T>): Promise<T>
  /** Finishes what is in flight, hands back the rest unharmed, sends the outboxes and closes every file. */
  stop(): Promise<void>
}

export interface CallOptions {
  /** Idempotency key: the call takes effect once, however often it comes with this key. 1–255 characters. */
  readonly key?: string
  /** How long to wait for the answer, in milliseconds, 1–60 000. @default what the contract says */
  readonly deadlineMs?: number
  /** The service that calls. */
  readonly from?: string
  /** Aborts when the answer is not wanted any more. */
  readonly signal?: AbortSignal
}

export interface NumberedPublisher {
  /** The highest number that the bus has: numbers up to it need not be sent again. 0 at first. */
  readonly mark: number
  /** Events numbered without gaps from 1; one at or below `mark` is dropped by the bus. Resolves once on disk. */
  publish<In, Out>(
    number: number,
    type: EventType<string, string, In, Out>,
    data: In,
    options?: PublishOptions,
  ): Promise<void>
}
