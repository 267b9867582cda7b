import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createHttp2, type Http2Server, type ServerHttp2Session } from 'node:http2'
import { Server as Listener, type Socket } from 'node:net'
import { createServer as createSecure, type Server as SecureServer } from 'node:tls'
import type { Clock } from '../../../time.ts'
import type { Limits } from '../limits.ts'
import { type ServerTls, serverTls } from '../tls.ts'
import { refuseExpectation } from './problems.ts'

/** HTTP/1.1 and HTTP/2 without TLS on one port: the first bytes of a connection tell. */
export interface Front {
  /** The one that listens; it keeps the times of requests, too. */
  readonly server: Server
  renewTls(tls: ServerTls): void
  /** Lets no more connections in; those that are there may go on. */
  retire(): void
  /** Closes those on which nothing is under way. */
  part(): void
  /** Closes every connection. */
  cut(): void
}

/** The first bytes of HTTP/2 (RFC 9113 §3.4); no method of HTTP/1.1 begins so. */
const preface = Buffer.from('PRI')

export function createFront(handler: RequestListener, limits: Limits, clock: Clock, tls: ServerTls | undefined): Front {
  const server = createServer(
    {
      headersTimeout: limits.requestMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.idleMs,
      connectionsCheckingInterval: Math.min(1000, limits.requestMs),
      maxHeaderSize: limits.headerBytes,
      // It would be answered without a word; the routes say what is wrong.
      requireHostHeader: false,
    },
    handler,
  )
  const http2 = createHttp2({ settings: { maxConcurrentStreams: limits.streams } }, handler as never)
  server.on('checkContinue', (request, response) => {
    // While earlier answers of the connection are under way, it would stand in the midst of one; it may be left out.
    if (response.socket) response.writeContinue()
    handler(request, response)
  })
  // Else it would be answered without a word.
  server.on('checkExpectation', refuseExpectation)
  const sessions = sessionsOf(http2, limits)
  const [speakHttp1] = server.listeners('connection') as [(socket: Socket) => void]
  const speak = (socket: Socket, isHttp2: boolean): void => {
    if (isHttp2) http2.emit('connection', socket)
    else speakHttp1.call(server, socket)
  }
  server.removeAllListeners('connection')
  const secure = tls && createSecure({ ...serverTls(tls, limits.requestMs), ALPNProtocols: ['h2', 'http/1.1'] })
  const undecided = secure ? acceptSecure(server, speak, secure) : accept(server, speak, limits, clock)
  return {
    server,
    renewTls: (tls) => secure?.setSecureContext(tls),
    retire() {
      // HTTP's own would close idle connections, and a request that is on its way on one of them would be lost.
      Listener.prototype.close.call(server)
      for (const session of sessions) session.close()
    },
    part() {
      server.close()
    },
    cut() {
      server.closeAllConnections()
      for (const session of sessions) session.destroy()
      for (const socket of undecided) socket.destroy()
    },
  }
}

type Speak = (socket: Socket, isHttp2: boolean) => void

/** Hands connections on once it is known what they speak; gives those of which it is not known yet. */
function accept(server: Server, speak: Speak, limits: Limits, clock: Clock): ReadonlySet<Socket> {
  const undecided = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    undecided.add(socket)
    // Whoever says nothing is no request that could take too long.
    const silent = clock.after(limits.requestMs, () => socket.destroy(), { background: true })
    const end = (): void => {
      silent.cancel()
      undecided.delete(socket)
    }
    socket.once('close', end)
    decide(socket, (isHttp2) => {
      end()
      speak(socket, isHttp2)
    })
  })
  return undecided
}

/** Within TLS both sides agree beforehand on which HTTP they speak. What lies beneath stays undecided: its end is the end of both. */
function acceptSecure(server: Server, speak: Speak, secure: SecureServer): ReadonlySet<Socket> {
  const undecided = new Set<Socket>()
  // It is given connections, and listens nowhere itself.
  secure.on('secureConnection', (socket) => speak(socket, socket.alpnProtocol === 'h2'))
  secure.on('tlsClientError', (_error, socket) => socket.destroy())
  server.on('connection', (socket: Socket) => {
    undecided.add(socket)
    socket.once('close', () => undecided.delete(socket))
    // HTTP's own server leaves that open on its side: who goes away during the handshake would stay until the time for it is over.
    socket.allowHalfOpen = false
    secure.emit('connection', socket)
  })
  return undecided
}

/** Reads as much as tells the two apart, and puts it back. */
function decide(socket: Socket, decided: (isHttp2: boolean) => void): void {
  let seen = Buffer.alloc(0)
  const failed = (): void => {
    socket.destroy()
  }
  const look = (): void => {
    const chunk = socket.read() as Buffer | null
    if (chunk) seen = Buffer.concat([seen, chunk])
    if (seen.length === 0) return
    const same = seen.subarray(0, preface.length).equals(preface.subarray(0, seen.length))
    if (same && seen.length < preface.length) return
    socket.off('readable', look).off('end', failed).off('error', failed)
    socket.unshift(seen)
    decided(same)
  }
  socket.on('readable', look).on('end', failed).on('error', failed)
}

function sessionsOf(http2: Http2Server, limits: Limits): ReadonlySet<ServerHttp2Session> {
  const sessions = new Set<ServerHttp2Session>()
  // What is wrong with a session ends it; nobody else is to hear of it.
  http2.on('sessionError', () => {})
  http2.on('session', (session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
    session.setTimeout(limits.idleMs, () => session.close())
  })
  return sessions
}
