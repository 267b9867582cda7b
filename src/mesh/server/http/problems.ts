import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply } from 'fastify'
import { SkerryError } from '../../../errors.ts'
import { problemAnswer } from '../answering.ts'
import { otherType, tooLarge } from '../body.ts'
import { codeOfStatus } from '../errors.ts'
import type { Limits } from '../limits.ts'
import { type Problem, type ProblemAnswer, problem, problemOf, problemType } from '../problem.ts'

/** As bytes: to a text the library would add a charset, which this media type does not have. */
export function sendProblem(reply: FastifyReply, what: ProblemAnswer): FastifyReply {
  const { status, headers, body } = problemAnswer(what)
  return reply.code(status).headers(headers).send(body)
}

/** The library repeats paths, however long they are. */
const longestDetail = 200

/** What the server library itself refuses has a status of its own; where it says no remedy, we do. */
export function problemOfLibrary(
  error: unknown,
  contentType: string | undefined,
  { bodyBytes }: Limits,
): ProblemAnswer {
  const { code, statusCode, message } = error as { code?: string; statusCode?: unknown; message?: string }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return problemOf(otherType(contentType))
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return problemOf(tooLarge(bodyBytes))
  if (error instanceof SkerryError || typeof statusCode !== 'number' || statusCode < 400 || statusCode > 499)
    return problemOf(error)
  return {
    problem: problem(statusCode, codeOfStatus(statusCode), (message ?? '').slice(0, longestDetail)),
    retryAfterS: undefined,
  }
}

/** RFC 9110 §10.1.1: nothing but `100-continue` can be expected. */
export function refuseExpectation(_request: IncomingMessage, response: ServerResponse): void {
  const body = Buffer.from(JSON.stringify(problem(417, 'invalid_request', 'header expect: only 100-continue is known')))
  response.writeHead(417, { 'content-type': problemType, 'content-length': body.length, connection: 'close' }).end(body)
}

const statusOfParser: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

/** Answers what could not be read as a request, and ends its connection: what follows on it cannot be told apart. */
export function refuseConnection(error: { readonly code?: string }, socket: Socket): void {
  if (
    error.code === 'ECONNRESET' ||
    !socket.writable ||
    (socket.bytesWritten > 0 && error.code !== 'ERR_HTTP_REQUEST_TIMEOUT')
  ) {
    socket.destroy()
    return
  }
  const status = statusOfParser[error.code ?? ''] ?? 400
  const detail = status === 408 ? 'the request did not come in time' : 'this is no request of HTTP/1.1'
  socket.end(rawAnswer(problem(status, 'invalid_request', detail)), () => socket.destroy())
}

function rawAnswer(said: Problem): string {
  const body = JSON.stringify(said)
  return [
    `HTTP/1.1 ${said.status} ${said.title}`,
    `content-type: ${problemType}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    '',
    body,
  ].join('\r\n')
}
