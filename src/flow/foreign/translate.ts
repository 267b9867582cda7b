import { hash } from 'node:crypto'
import { type ForeignMessage, foreignMessage } from '../../bus/foreign.ts'
import { codeOf, type ErrorCode, messageOf, SkerryError } from '../../errors.ts'
import type { EventRecord } from '../../event.ts'
import type { Identity, SourceDefinition } from '../../foreign.ts'
import { derivedId } from '../../ids.ts'
import { compose } from '../compose.ts'

/** What a message becomes: pure, but for a decoder that is not. */
export type Translated =
  | { readonly kind: 'event'; readonly record: EventRecord }
  /** One of ours that came back, or one that nobody wants. */
  | { readonly kind: 'ignored' }
  | { readonly kind: 'poison'; readonly code: ErrorCode; readonly message: string; readonly record: EventRecord }

export interface Translation {
  /** `service/source`. */
  readonly label: string
  readonly definition: SourceDefinition
  /** Sinks of the same store say this of themselves. */
  readonly sender: string
  readonly maxBytes: number
}

/** The header by which a sink says which store it sends for. */
export const senderHeader = 'skerry-sender'
/** The header with the event's id, the same on every engine. */
export const eventHeader = 'skerry-event-id'

/** The type of a message that became no event; its data is the message. */
export const foreignType = '~foreign'

/** What tells a message from all others; undefined for one that is always new. Throws what a user's function throws. */
export function identify(message: ForeignMessage, by: Identity): string | undefined {
  if (by === 'delivery') return undefined
  if (by === 'content') return contentOf(message)
  const id = by === 'message-id' ? message.messageId : by === 'place' ? message.place : by(message)
  if (typeof id === 'string' && id !== '') return storable(id)
  const what = by === 'message-id' ? 'its publisher gave it no message-id' : 'its id is no text'
  throw new SkerryError('invalid_event', `${what}; tell the source by what else to know it: id`)
}

/** PostgreSQL's texts hold every character but this one. */
const storable = (text: string): string => text.replaceAll('\0', '\\0')

/** Also what a message is known by that has no identity, as a dead letter. */
export const contentOf = ({ key, body }: ForeignMessage): string =>
  hash('sha256', Buffer.concat([Buffer.from(`${key.length}:${key}`), body]), 'hex')

/** `id` is the event's, `now` the time for a message that has none. */
export function translate(message: ForeignMessage, id: string, now: number, how: Translation): Translated {
  if (message.headers[senderHeader] === how.sender) return { kind: 'ignored' }
  const time = message.time > 0 ? message.time : now
  try {
    for (const { type, decode } of how.definition.decoders.values()) {
      const data = decode(message)
      if (data === undefined) continue
      const { traceparent } = message.headers
      const attributes = traceparent === undefined ? undefined : { traceparent }
      return { kind: 'event', record: compose(type, data, undefined, { id, now: time, ...how, attributes }) }
    }
  } catch (error) {
    return poison(message, id, time, error)
  }
  if (how.definition.options.otherwise === 'ignore') return { kind: 'ignored' }
  const types = [...how.definition.decoders.keys()].join(', ')
  return poison(message, id, time, new SkerryError('invalid_event', `${how.label}: no decoder takes it (${types})`))
}

export function poison(message: ForeignMessage, id: string, time: number, error: unknown): Translated {
  return { kind: 'poison', code: codeOf(error), message: messageOf(error), record: keep(message, id, time) }
}

/** The event that a message becomes has the same id each time. */
export const eventIdOf = (label: string, identity: string): string => derivedId('foreign', label, identity)

/** A message as a dead letter keeps it: readable, and to be repaired, where it is text. */
function keep(message: ForeignMessage, id: string, time: number): EventRecord {
  const { body, text, contentType, headers, key, messageId, place } = message
  const readable = Buffer.from(text).equals(body)
  const content = readable ? { text } : { base64: Buffer.from(body).toString('base64') }
  const data = JSON.stringify({ ...content, contentType, headers, key, messageId, place, time: message.time })
  return {
    id,
    type: foreignType,
    version: 1,
    key: storable(key),
    time,
    due: 0,
    expires: 0,
    attributes: undefined,
    data,
  }
}

/** The message that a dead letter kept. Throws `invalid_event` when a repair left nothing of it. */
export function kept(record: EventRecord): ForeignMessage {
  const data = JSON.parse(record.data) as Partial<ForeignMessage> & { base64?: string }
  const { text, base64, contentType = '', headers = {}, key = '', messageId = '', place = '', time = 0 } = data
  if (typeof text !== 'string' && typeof base64 !== 'string')
    throw new SkerryError('invalid_event', `message ${record.id}: it has neither text nor base64`)
  const body = typeof text === 'string' ? Buffer.from(text) : Buffer.from(base64 as string, 'base64')
  return foreignMessage({ body, contentType, headers, key, messageId, place, time })
}
