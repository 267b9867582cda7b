import { isUtf8 } from 'node:buffer'
import type { WireAnswer, WireRequest } from '../transport.ts'

/**
 * What goes over a connection between two services. A frame is nine bytes and a payload:
 *
 *     length of the payload, u32 | kind, u8 | number of the call, u32 | payload
 *
 * Integers are big-endian. A request's and an answer's payload is `length of the head, u32 | head | body`; heads are JSON, bodies
 * whatever the headers say. A connection begins with a `hello` from each side, whose payload is JSON.
 */
export const kinds = { hello: 1, request: 2, answer: 3, cancel: 4, refuse: 5, leave: 6 } as const
export type Kind = (typeof kinds)[keyof typeof kinds]

/** What came is none of this. The connection it came by is of no use any more. */
export class Malformed extends Error {
  override readonly name = 'Malformed'
}

/** A frame that is to be written. */
export interface Outgoing {
  readonly kind: Kind
  /** 0 for what concerns the connection. */
  readonly number: number
  /** Of a request or an answer. */
  readonly head: string | undefined
  /** What follows the head, or the whole payload. */
  readonly body: Uint8Array
  /** Of all of it. */
  readonly bytes: number
}

export const headerBytes = 9
export const protocol = 'skerry/1'
export const nothing = Buffer.alloc(0)

/** What one side tells the other at the beginning. */
export interface Hello {
  readonly protocol: string
  /** Longest payload that it reads, in bytes. */
  readonly maxBytes: number
  /** Most requests that it works at for this connection at a time. */
  readonly maxInFlight: number
}

export function frameOf(kind: Kind, number: number, payload: Uint8Array = nothing): Outgoing {
  return { kind, number, head: undefined, body: payload, bytes: headerBytes + payload.byteLength }
}

export function helloOf(hello: Hello): Outgoing {
  return frameOf(kinds.hello, 0, Buffer.from(JSON.stringify(hello)))
}

export function requestOf(number: number, { method, path, headers, body }: WireRequest): Outgoing {
  return messageOf(kinds.request, number, JSON.stringify([method, path, headers]), body)
}

export function answerOf(number: number, { status, headers, body }: WireAnswer): Outgoing {
  return messageOf(kinds.answer, number, JSON.stringify([status, headers]), body)
}

function messageOf(kind: Kind, number: number, head: string, body: Uint8Array): Outgoing {
  return { kind, number, head, body, bytes: headerBytes + 4 + Buffer.byteLength(head) + body.byteLength }
}

/** All of them in one piece. */
export function encode(frames: readonly Outgoing[]): Buffer {
  let whole = 0
  for (const { bytes } of frames) whole += bytes
  const buffer = Buffer.allocUnsafe(whole)
  let at = 0
  for (const { kind, number, head, body, bytes } of frames) {
    buffer.writeUInt32BE(bytes - headerBytes, at)
    buffer[at + 4] = kind
    buffer.writeUInt32BE(number, at + 5)
    const end = at + bytes
    if (head !== undefined) {
      const from = at + headerBytes + 4
      buffer.writeUInt32BE(buffer.write(head, from), from - 4)
    }
    buffer.set(body, end - body.byteLength)
    at = end
  }
  return buffer
}

/** Throws `Malformed`, as everything that reads what came does. */
export function readHello(payload: Buffer): Hello {
  const said = parse(payload) as Partial<Hello> | null
  const { protocol: spoken, maxBytes, maxInFlight } = said ?? {}
  if (spoken !== protocol) throw new Malformed(`the other side speaks ${String(spoken).slice(0, 40)}, not ${protocol}`)
  if (!isCount(maxBytes) || !isCount(maxInFlight)) throw new Malformed('a greeting without limits')
  return { protocol, maxBytes, maxInFlight }
}

export function readRequest(payload: Buffer): WireRequest {
  const { head, body } = readMessage(payload)
  const [method, path, headers] = Array.isArray(head) ? head : []
  if (typeof method !== 'string' || typeof path !== 'string' || !path.startsWith('/') || !areHeaders(headers))
    throw new Malformed('the head of a request')
  return { method, path, headers, body }
}

export function readAnswer(payload: Buffer): WireAnswer {
  const { head, body } = readMessage(payload)
  const [status, headers] = Array.isArray(head) ? head : []
  if (!Number.isInteger(status) || status < 200 || status > 599 || !areHeaders(headers))
    throw new Malformed('the head of an answer')
  return { status, headers, body }
}

function readMessage(payload: Buffer): { head: unknown; body: Buffer } {
  const headLength = payload.length < 4 ? Number.POSITIVE_INFINITY : payload.readUInt32BE(0)
  if (4 + headLength > payload.length) throw new Malformed('a head that is longer than its frame')
  return { head: parse(payload, 4, 4 + headLength), body: payload.subarray(4 + headLength) }
}

function parse(bytes: Buffer, from = 0, to = bytes.length): unknown {
  const text = bytes.toString('utf8', from, to)
  // Bytes that are no UTF-8 would turn into other text without a word.
  if (text.includes('\ufffd') && !isUtf8(bytes.subarray(from, to))) throw new Malformed('a head that is no UTF-8')
  try {
    return JSON.parse(text)
  } catch {
    throw new Malformed('a head that is no JSON')
  }
}

function areHeaders(headers: unknown): headers is Record<string, string> {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) return false
  for (const name in headers) if (typeof (headers as Record<string, unknown>)[name] !== 'string') return false
  return true
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0
