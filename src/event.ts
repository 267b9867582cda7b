/**
 * An event as Skerry carries it: the CloudEvents attributes it decides on, and the data as JSON text that nobody
 * parses until a handler needs it. The stream it is in gives its `source`.
 */
export interface EventRecord {
  /** Unique within its stream. A UUIDv7, an id derived from the event that caused it, or what an outsider chose. */
  readonly id: string
  /** The event's name in its contract, such as `placed`. */
  readonly type: string
  /** The version of its schema, from 1. */
  readonly version: number
  /** The entity that the event is about; '' when it has none. */
  readonly key: string
  /** When it happened, in milliseconds since 1970 UTC. */
  readonly time: number
  /** Not to be handled before this wall time, in milliseconds; 0 for at once. */
  readonly due: number
  /** Not to be handled at or after this wall time, in milliseconds; 0 for never expiring. */
  readonly expires: number
  /** All other CloudEvents attributes, extensions included (`correlationid`, `causationid`, `traceparent`, …). */
  readonly attributes: Attributes | undefined
  /** JSON text on one line. */
  readonly data: string
}

export type Attributes = Readonly<Record<string, string | number | boolean>>

/** What every engine and every message agrees to call one event's place in its stream. Grows; may have gaps. */
export type Position = number

export interface Delivery {
  readonly stream: string
  readonly position: Position
  readonly record: EventRecord
}

/** Largest event accepted unless configured otherwise, in bytes of its JSON. */
export const defaultMaxEventBytes = 1024 * 1024

/** The type of a withdrawal: data is `{"id": …}` of the delayed event that its publisher took back. */
export const cancelType = '~cancel'
