import type { Priority } from '../resilience/concurrency-limit.ts'
import { fromHeader, keyHeader, priorityHeader } from '../server/headers.ts'

/** What a caller says of its call, beside the input; nothing of what is undefined. */
export interface Said {
  /** The service that calls. */
  readonly from: string | undefined
  /** Idempotency key. */
  readonly key: string | undefined
  readonly priority: Priority | undefined
  /** W3C's `traceparent`. */
  readonly trace?: string | undefined
}

/** The headers of a call with what its caller says: what `readAbout` and `readPriority` of the server read. */
export function withSaid(headers: Readonly<Record<string, string>>, said: Said): Record<string, string> {
  const { from, key, priority, trace } = said
  const all = { ...headers }
  if (from !== undefined) all[fromHeader] = from
  if (key !== undefined) all[keyHeader] = JSON.stringify(key)
  if (priority !== undefined) all[priorityHeader] = priority
  if (trace !== undefined) all.traceparent = trace
  return all
}
