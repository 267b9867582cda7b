import { chmodSync, renameSync, rmSync } from 'node:fs'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { messageOf, SkerryError } from '../../errors.ts'
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

/** Listens under a private name, closes the socket to others, then gives it its own name in one step. */
export function listenOn(path: string, onSocket: (socket: Socket) => void): Promise<Listener> {
  const draft = `${path}.${process.pid}.${drafts++}`
  const server: Server = createServer(onSocket)
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      server.close()
      reject(
        new SkerryError(
          'io_error',
          `${path}: cannot listen (${messageOf(error)}); check that its folder can be written`,
          { cause: error },
        ),
      )
    }
    server.once('error', fail)
    server.listen(draft, () => {
      try {
        chmodSync(draft, 0o600)
        renameSync(draft, path)
      } catch (error) {
        return fail(error)
      }
      server.off('error', fail)
      // A failing accept (too many open files) leaves the process out: it tries again.
      server.on('error', () => {})
      resolve({ unlink: () => rmSync(path, { force: true }), close: () => server.close() })
    })
  })
}

let drafts = 0

export function peerLink(socket: Socket, events: LinkEvents<Up>): Link<Down, Up> {
  return new Link<Down, Up>(socket, events, longestBacklog)
}
