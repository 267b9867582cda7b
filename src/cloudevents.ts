import { messageOf, SkerryError } from './errors.ts'
import { type Attributes, cancelType, type EventRecord } from './event.ts'

/**
 * CloudEvents 1.0 out and in: JSON format (one event, or a batch) and HTTP binary mode. Pure codecs; what cannot be a
 * CloudEvent is refused with `invalid_event` naming the attribute, in both directions.
 *
 * An event says `source` (its stream), `type` (`<app>.<service>.<event>.v<N>`), `subject` and `partitionkey` (its key),
 * `time`, `expirytime`, and in an extension of ours `duetime`: not to be handled before. A type of another shape is kept
 * whole: nobody here can subscribe to it, but it travels unharmed.
 */
export interface StreamEvent {
  readonly stream: string
  readonly record: EventRecord
}

export interface BinaryMessage {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export type Mode = 'structured' | 'batched' | 'binary'

const json = 'application/json'
export const structuredType = 'application/cloudevents+json'
export const batchedType = 'application/cloudevents-batch+json'

/** Attributes that a record holds in fields of its own, or that the format gives a meaning. */
const reserved = new Set([
  'specversion',
  'id',
  'source',
  'type',
  'time',
  'partitionkey',
  'duetime',
  'expirytime',
  'data',
])

/** How an HTTP message carries its events, from its content type. */
export function modeOf(contentType: string | undefined): Mode {
  const media = mediaOf(contentType ?? '')
  if (media.startsWith('application/cloudevents-batch')) return 'batched'
  return media.startsWith('application/cloudevents') ? 'structured' : 'binary'
}

// Out.

/** The event as one line of JSON. Its data is passed through as it is stored. */
export function toStructured(event: StreamEvent, app: string): string {
  checkData(event.record.data)
  return `${JSON.stringify(attributesOf(event, app)).slice(0, -1)},"data":${event.record.data}}`
}

export function toBatched(events: readonly StreamEvent[], app: string): string {
  return `[${events.map((event) => toStructured(event, app)).join(',')}]`
}

export function toBinary(event: StreamEvent, app: string): BinaryMessage {
  const { datacontenttype, ...attributes } = attributesOf(event, app)
  const headers: Record<string, string> = { 'content-type': String(datacontenttype) }
  for (const [name, value] of Object.entries(attributes)) headers[`ce-${name}`] = encodeHeader(String(value))
  const data = checkData(event.record.data)
  const asText = typeof data === 'string' && !isJson(String(datacontenttype))
  return { headers, body: asText ? data : event.record.data }
}

function attributesOf({ stream, record }: StreamEvent, app: string): Record<string, string | number | boolean> {
  const given = record.attributes ?? {}
  const { subject = record.key, datacontenttype = json, ...others } = given
  const result: Record<string, string | number | boolean> = {
    specversion: '1.0',
    id: filled('id', record.id),
    source: reference(stream),
    type: filled('type', typeOf(stream, record, app)),
    datacontenttype,
    time: timestamp('time', record.time),
  }
  if (subject !== '') result.subject = filled('subject', subject)
  if (record.key !== '') result.partitionkey = filled('partitionkey', record.key)
  if (record.due > 0) result.duetime = timestamp('duetime', record.due)
  if (record.expires > 0) result.expirytime = timestamp('expirytime', record.expires)
  for (const [name, value] of Object.entries(others)) if (!reserved.has(name)) result[name] = extension(name, value)
  return result
}

function typeOf(stream: string, { type, version }: EventRecord, app: string): string {
  return isEventName(type) ? `${app}.${stream}.${type}.v${version}` : type
}

const lastTime = Date.UTC(9999, 11, 31, 23, 59, 59, 999)
const firstTime = Date.parse('0000-01-01T00:00:00Z')

function timestamp(name: string, ms: number): string {
  if (!(ms >= firstTime && ms <= lastTime)) refuse(name, `${ms} is not a time within the years 0 to 9999`)
  return new Date(ms).toISOString()
}

function checkData(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    return refuse('data', `not JSON: ${messageOf(error)}`)
  }
}

// In.

/** One event from its JSON. `now` is the time of an event that does not say its own. */
export function fromStructured(text: string, now: number): StreamEvent {
  return fromValue(parse(text), now)
}

export function fromBatched(text: string, now: number): StreamEvent[] {
  const values = parse(text)
  if (!Array.isArray(values)) throw new SkerryError('invalid_event', 'a batch of CloudEvents is a JSON array')
  return values.map((value) => fromValue(value, now))
}

/** One event from HTTP headers, of any case, and a body. Extensions arrive as strings: headers carry no types. */
export function fromBinary({ headers, body }: BinaryMessage, now: number): StreamEvent {
  const attributes: Record<string, unknown> = {}
  let contentType: string | undefined
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase()
    if (lower === 'content-type') contentType = value
    else if (lower.startsWith('ce-')) attributes[lower.slice(3)] = decodeHeader(lower.slice(3), value)
  }
  for (const name of ['data', 'data_base64']) if (name in attributes) refuse(name, 'no attribute may be called so')
  if (contentType !== undefined) attributes.datacontenttype = contentType
  const data = body === '' ? null : isJson(contentType ?? json) ? checkData(body) : body
  return fromValue({ ...attributes, data }, now)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new SkerryError('invalid_event', `not JSON: ${messageOf(error)}`, { cause: error })
  }
}

function fromValue(value: unknown, now: number): StreamEvent {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new SkerryError('invalid_event', 'a CloudEvent is a JSON object')
  const { data, data_base64, ...attributes } = value as Record<string, unknown>
  // JSON null says that an attribute is not set.
  const given = new Map(Object.entries(attributes).filter(([, v]) => v !== null))
  if (given.get('specversion') !== '1.0') refuse('specversion', `must be "1.0", not ${quote(given.get('specversion'))}`)
  const stream = reference(given.get('source'))
  const { type, version } = readType(filled('type', given.get('type')), stream)
  const time = readTime('time', given.get('time')) ?? now
  const text = dataOf(data, data_base64, given)
  if (type === cancelType) checkCancel(text)
  return {
    stream,
    record: {
      ...{ id: filled('id', given.get('id')), type, version, key: keyOf(given), time },
      due: Math.max(0, readTime('duetime', given.get('duetime')) ?? 0),
      // 0 would mean never: whatever expired that long ago expires at once.
      expires: given.has('expirytime') ? Math.max(1, readTime('expirytime', given.get('expirytime')) ?? 0) : 0,
      attributes: othersOf(given),
      data: text,
    },
  }
}

function keyOf(given: ReadonlyMap<string, unknown>): string {
  const subject = given.has('subject') ? filled('subject', given.get('subject')) : ''
  return given.has('partitionkey') ? filled('partitionkey', given.get('partitionkey')) : subject
}

/** All that a record has no field for; a subject only where it is not the key. */
function othersOf(given: ReadonlyMap<string, unknown>): Attributes | undefined {
  const others: Record<string, string | number | boolean> = {}
  for (const [name, value] of given) {
    if (reserved.has(name)) continue
    if (name === 'datacontenttype' && mediaOf(filled(name, value)) === json) continue
    if (name === 'subject' && value === keyOf(given)) continue
    others[name] = name === 'dataschema' ? filled(name, value) : extension(name, value)
  }
  return Object.keys(others).length > 0 ? others : undefined
}

function dataOf(data: unknown, base64: unknown, given: ReadonlyMap<string, unknown>): string {
  if (base64 === undefined || base64 === null) return JSON.stringify(data ?? null)
  if (data !== undefined) refuse('data_base64', 'comes with data; give one of them')
  const type = given.get('datacontenttype')
  if (typeof base64 !== 'string' || (type !== undefined && !isJson(String(type))))
    refuse('data_base64', 'binary data cannot be carried; send JSON')
  const text = Buffer.from(base64 as string, 'base64').toString()
  return JSON.stringify(checkData(text))
}

const eventName = /^[a-zA-Z][a-zA-Z0-9_-]*$/

const isEventName = (type: string): boolean => eventName.test(type) || type === cancelType

/** What our types say, with or without what stands before the name; another type is kept as it stands. */
function readType(type: string, stream: string): { type: string; version: number } {
  const [, whole = type, number] = /^(.+)\.v(\d+)$/.exec(type) ?? []
  const [name, before] = [whole.slice(whole.lastIndexOf('.') + 1), whole.slice(0, Math.max(0, whole.lastIndexOf('.')))]
  const ours = before === '' || before === stream || before.endsWith(`.${stream}`)
  if (!ours || !isEventName(name)) return { type, version: 1 }
  const version = Number(number ?? 1)
  if (version < 1 || version > 65535) refuse('type', `version ${number} is not within 1–65535`)
  return { type: name, version }
}

/** A withdrawal names what it withdraws: every consumer relies on it. */
function checkCancel(data: string): void {
  const value = JSON.parse(data) as { id?: unknown; type?: unknown } | null
  if (typeof value?.id !== 'string' || typeof value.type !== 'string')
    refuse('data', `a withdrawal (${cancelType}) needs the id and the type of a delayed event`)
}

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/

/** RFC 3339 to milliseconds; what is finer is cut off. */
function readTime(name: string, value: unknown): number | undefined {
  if (value === undefined) return undefined
  const m = typeof value === 'string' ? rfc3339.exec(value) : null
  const bad = (): never => refuse(name, `${quote(value)} is not a time like 2010-12-01T08:26:00Z (RFC 3339)`)
  if (!m) return bad()
  const [year, month, day, hour, minute, second] = m.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const [offsetHours, offsetMinutes] = [Number(m[9] ?? 0), Number(m[10] ?? 0)]
  // 60 is a leap second; it ends where the next minute begins.
  if (hour > 23 || minute > 59 || second > 60 || offsetHours > 23 || offsetMinutes > 59) return bad()
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return bad()
  const ms = Number((m[7] ?? '').slice(0, 3).padEnd(3, '0'))
  const offset = (offsetHours * 60 + offsetMinutes) * (m[8] === '-' ? -1 : 1)
  return date.getTime() + ((hour * 60 + minute - offset) * 60 + second) * 1000 + ms
}

// Attributes (CloudEvents 1.0, "Naming conventions" and "Type system").

/** Control characters, halves of surrogate pairs and noncharacters are not part of any String. */
const forbidden = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u

/** Checks an attribute that a publisher adds. Throws `invalid_event` naming it. */
export function checkExtension(name: string, value: unknown): void {
  if (reserved.has(name) || name === 'subject') refuse(name, 'is set by Skerry; choose another name')
  if (name.length > 20) refuse(name, 'names have at most 20 characters')
  extension(name, value)
}

function extension(name: string, value: unknown): string | number | boolean {
  if (!/^[a-z0-9]+$/.test(name)) refuse(name, 'names are lower-case letters and digits')
  if (typeof value === 'boolean') return value
  if (typeof value === 'number') {
    if (!Number.isInteger(value) || value < -(2 ** 31) || value >= 2 ** 31)
      refuse(name, `${value} is not an integer of 32 bits; send it as a string`)
    // JSON has a negative zero, CloudEvents has not.
    return value + 0
  }
  return string(name, value)
}

function string(name: string, value: unknown): string {
  if (typeof value !== 'string') return refuse(name, `must be a string, not ${quote(value)}`)
  if (forbidden.test(value)) refuse(name, `${quote(value)} holds a character that CloudEvents forbid`)
  return value
}

function filled(name: string, value: unknown): string {
  if (value === undefined || value === '') refuse(name, 'is missing or empty')
  return string(name, value)
}

const uriReference = /^(?:[\w\-.~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/

function reference(value: unknown): string {
  const source = filled('source', value)
  if (!uriReference.test(source)) refuse('source', `${quote(source)} is not a URI reference`)
  return source
}

function refuse(attribute: string, why: string): never {
  throw new SkerryError('invalid_event', `${attribute}: ${why}`)
}

function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}

// Content types and headers (CloudEvents HTTP binding, 3.1.3.2).

const mediaOf = (contentType: string): string => contentType.split(';', 1)[0]?.trim().toLowerCase() ?? ''

function isJson(contentType: string): boolean {
  return /^[^/]+\/(?:[^/]+\+)?json$/.test(mediaOf(contentType))
}

function encodeHeader(value: string): string {
  return value.replaceAll(/[^!#$&-~]+/gu, (part) =>
    Buffer.from(part).toString('hex').toUpperCase().replaceAll(/../g, '%$&'),
  )
}

function decodeHeader(name: string, value: string): string {
  const bare = /^"(.*)"$/.exec(value)?.[1]?.replaceAll(/\\(.)/g, '$1') ?? value
  return bare.replaceAll(/(?:%[0-9A-Fa-f]{2})+/g, (bytes) => {
    try {
      return utf8.decode(Buffer.from(bytes.replaceAll('%', ''), 'hex'))
    } catch {
      return refuse(name, `${quote(value)} is not percent-encoded UTF-8`)
    }
  })
}

const utf8 = new TextDecoder('utf8', { fatal: true, ignoreBOM: true })
