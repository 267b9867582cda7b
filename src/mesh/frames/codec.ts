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

export interface FrameOf {
  readonly kind: Kind
  /** 0 for what concerns the connection. */
  readonly number: number
  readonly payload: Buffer
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

export function writeFrame(kind: Kind, number: number, payload: Uint8Array = nothing): Buffer {
  const frame = Buffer.allocUnsafe(headerBytes + payload.byteLength)
  writeHeader(frame, kind, number, payload.byteLength)
  frame.set(payload, headerBytes)
  return frame
}

export function writeHello(hello: Hello): Buffer {
  return writeFrame(kinds.hello, 0, Buffer.from(JSON.stringify(hello)))
}

export function writeRequest(number: number, { method, path, headers, body }: WireRequest): Buffer {
  return writeMessage(kinds.request, number, JSON.stringify([method, path, headers]), body)
}

export function writeAnswer(number: number, { status, headers, body }: WireAnswer): Buffer {
  return writeMessage(kinds.answer, number, JSON.stringify([status, headers]), body)
}

function writeMessage(kind: Kind, number: number, head: string, body: Uint8Array): Buffer {
  const headLength = Buffer.byteLength(head)
  const length = 4 + headLength + body.byteLength
  const frame = Buffer.allocUnsafe(headerBytes + length)
  writeHeader(frame, kind, number, length)
  frame.writeUInt32BE(headLength, headerBytes)
  frame.write(head, headerBytes + 4)
  frame.set(body, headerBytes + 4 + headLength)
  return frame
}

function writeHeader(frame: Buffer, kind: Kind, number: number, length: number): void {
  frame.writeUInt32BE(length, 0)
  frame[4] = kind
  frame.writeUInt32BE(number, 5)
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
  return { head: parse(payload.subarray(4, 4 + headLength)), body: payload.subarray(4 + headLength) }
}

function parse(bytes: Buffer): unknown {
  try {
    // Bytes that are no UTF-8 would turn into other text without a word.
    if (!isUtf8(bytes)) throw new Malformed('a head that is no UTF-8')
    return JSON.parse(bytes.toString())
  } catch (error) {
    throw error instanceof Malformed ? error : new Malformed('a head that is no JSON')
  }
}

function areHeaders(headers: unknown): headers is Record<string, string> {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) return false
  for (const name in headers) if (typeof (headers as Record<string, unknown>)[name] !== 'string') return false
  return true
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0
