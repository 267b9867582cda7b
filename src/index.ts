export type { App, CallOptions, NumberedPublisher } from './app.ts'
export type { ForeignMessage } from './bus/foreign.ts'
export {
  type CallErrors,
  type CallSpec,
  type CallType,
  call,
  type InputOfCall,
  type OutputOfCall,
  Refusal,
} from './call.ts'
export type { CalleesOptions } from './callers.ts'
export {
  type AnyEvent,
  type Contract,
  contract,
  type DataOf,
  type EventSpec,
  type EventType,
  event,
  type InputOf,
} from './contract.ts'
export type { Reply } from './durable.ts'
export { type ErrorCode, errorCodes, SkerryError } from './errors.ts'
export type {
  CallContext,
  CallingOptions,
  CallRequest,
  HandleContext,
  PrepareContext,
  PublishOptions,
  ReadContext,
  ReceivedEvent,
  SendOptions,
  Sql,
} from './flow/handler.ts'
export type { RetryPolicy } from './flow/retry.ts'
export type { Identity, Sink, SinkMessage, Source, SourceOptions } from './foreign.ts'
export type { Memory } from './memories.ts'
export type { Schema } from './schema.ts'
export {
  type CallHandlerOf,
  type DurableCallOptions,
  type HandlerOf,
  type Service,
  type ServiceOptions,
  type SinkOptions,
  type Subscription,
  type SubscriptionOptions,
  service,
  type TwoSteps,
} from './service.ts'
export { type StartOptions, start } from './start.ts'
export type { Row, Rows } from './store/store.ts'
export type { Fact, Watcher } from './telemetry.ts'
export { type Clock, systemClock, VirtualClock } from './time.ts'
