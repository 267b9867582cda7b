import { rmSync } from 'node:fs'
import { createConnection, createServer, type Socket } from 'node:net'
import { messageOf, SkerryError } from '../../errors.ts'
import { listenPrivately } from '../../sockets.ts'
import type { Down, Up } from './protocol.ts'
import { Decoder, encode } from './wire.ts'

/** A process that takes nothing for so long that this much waits for it is cut off; it will connect again. */
const longestBacklog = 4 * 1024 * 1024

export interface LinkEvents<M> {
  onMessage(message: M): void
  /** Once, however it ended. */
  onEnd(): void
}

/** One end of a connection between two processes of a bus. */
export class Link<Out extends Up | Down, In extends Up | Down> {
  readonly #socket: Socket
  readonly #decoder = new Decoder<In>()
  readonly #limit: number

  constructor(socket: Socket, events: LinkEvents<In>, limit = Number.POSITIVE_INFINITY) {
    this.#socket = socket
    this.#limit = limit
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const message of this.#decoder.push(chunk)) events.onMessage(message)
      } catch (error) {
        // Whatever came is not from this version of us: the other side connects anew, or goes away.
        socket.destroy(error instanceof Error ? error : undefined)
      }
    })
    socket.on('error', () => {})
    socket.on('close', () => events.onEnd())
  }

  send(message: Out): void {
    if (this.#socket.destroyed) return
    this.#socket.write(encode(message))
    if (this.#socket.writableLength > this.#limit) this.#socket.destroy()
  }

  end(): void {
    this.#socket.destroySoon()
  }
}

export function connectTo(path: string, events: LinkEvents<Down>): Link<Up, Down> {
  return new Link<Up, Down>(createConnection(path), events)
}

export interface Listener {
  /** Removes the socket's name: only while the writer's lock is held, or it could be the next writer's. */
  unlink(): void
  close(): void
}

/** Listens on a socket that is closed to others. Whoever has the name loses it: the writer's lock says that they are gone. */
export async function listenOn(path: string, onSocket: (socket: Socket) => void): Promise<Listener> {
  const server = createServer(onSocket)
  try {
    await listenPrivately(server, path)
  } catch (cause) {
    server.close()
    const problem = `${path}: cannot listen (${messageOf(cause)}); check that its folder can be written`
    throw new SkerryError('io_error', problem, { cause })
  }
  // A failing accept (too many open files) leaves the process out: it tries again.
  server.on('error', () => {})
  return { unlink: () => rmSync(path, { force: true }), close: () => server.close() }
}

export function peerLink(socket: Socket, events: LinkEvents<Up>): Link<Down, Up> {
  return new Link<Down, Up>(socket, events, longestBacklog)
}
