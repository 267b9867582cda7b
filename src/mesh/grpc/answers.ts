import { STATUS_CODES } from 'node:http'
import { Metadata, type StatusObject } from '@grpc/grpc-js'
import { deadlineHeader, readTimeout, writeGrpcTimeout } from '../resilience/deadline.ts'
import { codeOfGrpc, wired } from '../server/errors.ts'
import { unbegunHeader } from '../server/headers.ts'
import { problemType } from '../server/problem.ts'
import type { WireAnswer } from '../transport.ts'

/** What an answer's status of gRPC is told by, and how long it asks to be left alone. */
export const statusHeader = 'grpc-status'
export const pushbackHeader = 'grpc-retry-pushback-ms'
/** Where Skerry's own servers say more than a status can. */
const problemHeader = 'skerry-problem-bin'
/** Of what a service may add. */
const timingHeader = 'server-timing'

/** Said by the protocol itself, or not at all. */
const notSent: ReadonlySet<string> = new Set(['host', 'content-type', 'content-length', deadlineHeader])

/** Headers as metadata. Those that end with `-bin` are base64. */
export function metadataOf(headers: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata()
  const leftMs = readTimeout(headers[deadlineHeader])
  if (leftMs !== undefined) metadata.set('grpc-timeout', writeGrpcTimeout(leftMs))
  for (const name in headers) {
    if (notSent.has(name)) continue
    const value = headers[name] as string
    metadata.set(name, name.endsWith('-bin') ? Buffer.from(value, 'base64') : value)
  }
  return metadata
}

/** True for a status that came over the wire; what ends a call at this end has no headers. */
export function wasSaidByServer({ metadata }: StatusObject): boolean {
  return metadata.get('content-type').length > 0
}

/** A message with 200, or the problem document that says what went wrong: the server's own, or one made of its status. */
export function answerOf({ code, details, metadata }: StatusObject, message: Buffer | undefined): WireAnswer {
  const headers: Record<string, string> = { [statusHeader]: String(code) }
  for (const name of [timingHeader, pushbackHeader, unbegunHeader]) {
    const [said] = metadata.get(name)
    if (said !== undefined) headers[name] = String(said)
  }
  if (code === 0 && message) return { status: 200, headers, body: message }
  const [said] = metadata.get(problemHeader)
  const known = code === 0 ? 'failed' : codeOfGrpc(code)
  const { status } = wired(known)
  headers['content-type'] = problemType
  const made = { title: STATUS_CODES[status], status, detail: details, code: known }
  const body = Buffer.isBuffer(said) ? said : Buffer.from(JSON.stringify(made))
  return { status, headers, body }
}
