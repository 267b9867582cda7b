import { checkExtension } from '../cloudevents.ts'
import type { AnyEvent } from '../contract.ts'
import { messageOf, SkerryError } from '../errors.ts'
import { type Attributes, cancelType, type EventRecord } from '../event.ts'
import type { PublishOptions } from './handler.ts'

/** What a record needs that its publisher does not say. */
export interface Composition {
  readonly id: string
  /** Wall time, in milliseconds. */
  readonly now: number
  readonly maxBytes: number
  readonly attributes?: Attributes | undefined
}

/**
 * A checked event, ready to be stored. Throws `invalid_event` naming the path of what does not fit the schema, and
 * `event_too_large`; nothing has been written then.
 */
export function compose(
  type: AnyEvent,
  data: unknown,
  options: PublishOptions | undefined,
  given: Composition,
): EventRecord {
  const checked = type.parse(data)
  const text = toJson(type.label, checked)
  limitSize(type.label, text, given.maxBytes)
  const due = options?.delay === undefined ? 0 : dueTime(type.label, options.delay, given.now)
  return {
    id: given.id,
    type: type.name,
    version: type.version,
    key: keyOf(type, checked),
    time: given.now,
    due,
    expires: options?.expires === undefined ? 0 : expiryTime(type.label, options.expires),
    attributes: options?.attributes
      ? { ...given.attributes, ...checkAttributes(type.label, options.attributes) }
      : given.attributes,
    data: text,
  }
}

/** The withdrawal of a delayed event: it has the same key, so that it takes the same way. */
export function composeCancel(type: AnyEvent, id: string, key: string, given: Composition): EventRecord {
  const data = JSON.stringify({ id, type: type.name })
  return {
    id: given.id,
    type: cancelType,
    version: 1,
    key,
    time: given.now,
    due: 0,
    expires: 0,
    attributes: given.attributes,
    data,
  }
}

function toJson(label: string, data: unknown): string {
  let text: string | undefined
  let cause: unknown
  try {
    text = JSON.stringify(data)
  } catch (error) {
    cause = error
  }
  if (text === undefined) throw new SkerryError('invalid_event', `${label}: its data is not JSON`, { cause })
  return text
}

function keyOf(type: AnyEvent, data: unknown): string {
  const key: unknown = type.keyOf(data)
  if (typeof key !== 'string')
    throw new SkerryError('invalid_event', `${type.label}: its key is ${String(key)}, not a string`)
  return key
}

function limitSize(label: string, text: string, maxBytes: number): void {
  // A character takes at most three bytes in UTF-8: most events need no second look.
  if (text.length * 3 <= maxBytes) return
  const bytes = Buffer.byteLength(text)
  if (bytes > maxBytes) {
    throw new SkerryError(
      'event_too_large',
      `${label}: ${bytes} bytes, at most ${maxBytes}; store the body elsewhere and publish where it is`,
    )
  }
}

function dueTime(label: string, delay: number | Date, now: number): number {
  const due = typeof delay === 'number' ? now + delay : delay.getTime()
  if (!Number.isFinite(due))
    throw new SkerryError('invalid_event', `${label}: delay is neither milliseconds nor a valid date`)
  // Due already: no delay at all, so that it keeps its place among the events of its key.
  return due > now ? Math.ceil(due) : 0
}

function expiryTime(label: string, expires: Date): number {
  const at = expires.getTime()
  if (Number.isNaN(at)) throw new SkerryError('invalid_event', `${label}: expires is not a valid date`)
  // Before 1970 is long over, and 0 means never.
  return Math.max(1, at)
}

function checkAttributes(label: string, attributes: Attributes): Attributes {
  for (const [name, value] of Object.entries(attributes)) {
    try {
      checkExtension(name, value)
    } catch (cause) {
      throw new SkerryError('invalid_event', `${label}: attribute ${messageOf(cause)}`, { cause })
    }
  }
  return attributes
}
