import { createServer, type Socket } from 'node:net'
import { createServer as createSecure, Server as SecureServer } from 'node:tls'
import { inTime } from '../../time.ts'
import { defaultFrameLimits, FrameServing } from '../frames/serving.ts'
import type { WireAnswer, WireRequest } from '../transport.ts'
import { answerCall, problemAnswer } from './answering.ts'
import { readJsonBody, refuseEncoding, refuseOtherTypes } from './body.ts'
import type { Headers } from './headers.ts'
import { defaultLimits } from './limits.ts'
import { listenAll } from './listen.ts'
import { problemOf } from './problem.ts'
import type { CallServer, ServerOptions } from './server.ts'
import { type CallTable, tableOf, unknownRoute } from './table.ts'
import { serverTls } from './tls.ts'

/** How long a client may take to read what it was sent last, once nothing more is under way. */
const lastWordsMs = 500
/** Room for the head of a request beside its body. */
const headBytes = defaultFrameLimits.maxBytes - defaultLimits.bodyBytes

/** Serves calls, and nothing else, to other services: many on one connection. Rejects with `invalid_config` where it cannot listen. */
export async function openFrames(options: ServerOptions): Promise<CallServer> {
  const { address, callees, clock } = options
  const limits = { ...defaultLimits, ...options.limits }
  const table = tableOf(callees)
  const serving = new FrameServing({
    clock,
    limits: { ...defaultFrameLimits, maxBytes: limits.bodyBytes + headBytes, frameMs: limits.requestMs },
    answer: (request, signal) => answer(table, request, signal, options),
  })
  const sockets = new Set<Socket>()
  const tls = address.kind === 'tcp' ? options.tls : undefined
  const accept = (socket: Socket): void => serving.accept(socket)
  const servers = (options.ownPort ? [0, 1] : [0]).map(() => {
    const server = tls ? createSecure(serverTls(tls, limits.requestMs), accept) : createServer(accept)
    server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy())
    server.on('connection', (socket: Socket) => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    })
    return server
  })
  const { unlink, ...urls } = await listenAll(servers, options, tls ? 'tls' : 'tcp').catch(async (error: unknown) => {
    await serving.stop(0)
    throw error
  })
  return {
    ...urls,
    watch: () => {},
    renewTls(tls) {
      for (const server of servers) if (server instanceof SecureServer) server.setSecureContext(tls)
    },
    async stop(graceMs) {
      const closed = Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))))
      unlink()
      await serving.stop(graceMs)
      if (!(await inTime(clock, lastWordsMs, closed))) for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** Never rejects. */
async function answer(
  table: CallTable,
  { method, path: whole, headers, body }: WireRequest,
  signal: AbortSignal,
  options: ServerOptions,
): Promise<WireAnswer> {
  const [path = '', query = ''] = whole.split('?', 2)
  try {
    const found = table.find(method, path)
    if (!found?.value)
      return problemAnswer({ problem: unknownRoute(table, method, path).problem, retryAfterS: undefined })
    const received = { params: found.params, query: fieldsOf(query), body: bodyOf(headers, body) }
    return await answerCall(found.value, { received, headers, gone: () => signal }, options)
  } catch (error) {
    return problemAnswer(problemOf(error))
  }
}

function bodyOf(headers: Headers, body: Uint8Array): unknown {
  if (body.length === 0) return undefined
  const type = headers['content-type'] as string | undefined
  refuseEncoding(headers)
  refuseOtherTypes(type)
  return readJsonBody(type, body)
}

/** A name that comes twice is a list. */
function fieldsOf(query: string): Record<string, string | readonly string[]> {
  const params = new URLSearchParams(query)
  return Object.fromEntries(
    [...new Set(params.keys())].map((name) => {
      const all = params.getAll(name)
      return [name, all.length === 1 ? (all[0] as string) : all]
    }),
  )
}
