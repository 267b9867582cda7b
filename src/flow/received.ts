import type { AnyEvent } from '../contract.ts'
import { SkerryError } from '../errors.ts'
import type { Attributes, Delivery } from '../event.ts'
import type { ReceivedEvent } from './handler.ts'

const noAttributes: Attributes = Object.freeze({})

/**
 * The event as one try of one handler gets it. Parsed anew for every try: what an earlier try changed in its copy, or
 * another subscription in its own, is never seen. Throws `invalid_event` (also for a body that is no JSON) and
 * `unknown_version`.
 */
export function receive(type: AnyEvent, delivery: Delivery, attempt: number): ReceivedEvent {
  const record = delivery.record
  let body: unknown
  try {
    body = JSON.parse(record.data)
  } catch (cause) {
    throw new SkerryError('invalid_event', `${type.label} ${record.id}: the body is not JSON`, { cause })
  }
  return {
    id: record.id,
    source: delivery.stream,
    type: record.type,
    version: type.version,
    key: record.key,
    time: new Date(record.time),
    data: type.read(record.version, body),
    attributes: record.attributes ?? noAttributes,
    attempt,
  }
}
