import type { Socket } from 'node:net'
import { type Clock, inTime, type Timer } from '../../time.ts'
import type { WireAnswer, WireRequest } from '../transport.ts'
import { answerOf, frameOf, helloOf, type Kind, kinds, Malformed, protocol, readHello, readRequest } from './codec.ts'
import { FrameReader } from './reader.ts'
import { FrameWriter } from './writer.ts'

export interface ServingOptions {
  readonly clock: Clock
  readonly limits: FrameLimits
  /** Answers a request. Never rejects; `signal` aborts when nobody waits for the answer any more. */
  readonly answer: (request: WireRequest, signal: AbortSignal) => Promise<WireAnswer>
}

/** What a server of frames bears. */
export interface FrameLimits {
  /** Largest request, in bytes. @default 1 MiB and 64 KiB for its head */
  readonly maxBytes: number
  /** Most requests of one connection at a time; clients are told, and those beyond are refused. @default 1024 */
  readonly maxInFlight: number
  /** How long a greeting or a frame that has begun may take to come in, in milliseconds. @default 10 000 */
  readonly frameMs: number
}

export const defaultFrameLimits: FrameLimits = {
  maxBytes: 1024 * 1024 + 64 * 1024,
  maxInFlight: 1024,
  frameMs: 10_000,
}

const sweepMs = 1000
/** How long clients may take to go once they were asked to and have all their answers, in milliseconds. */
const partingMs = 1000

/** The serving side of connections that speak frames, for as long as it is not stopped. */
export class FrameServing {
  readonly #options: ServingOptions
  readonly #peers = new Set<Peer>()
  #leaving = false
  #timer: Timer | undefined

  constructor(options: ServingOptions) {
    this.#options = options
    this.#sweepLater()
  }

  get connections(): number {
    return this.#peers.size
  }

  /** Takes a connection over, whoever it is from. */
  accept(socket: Socket): void {
    if (this.#leaving) return void socket.destroy()
    const peer = new Peer(socket, this.#options, () => this.#peers.delete(peer))
    this.#peers.add(peer)
  }

  /** Tells all clients to go elsewhere, lets what is under way end within so many milliseconds, and closes every connection. */
  async stop(graceMs: number): Promise<void> {
    this.#leaving = true
    this.#timer?.cancel()
    const { clock } = this.#options
    const peers = [...this.#peers]
    const idle = Promise.all(peers.map((peer) => peer.leave()))
    await inTime(clock, graceMs, idle)
    // The client closes: else a request that it sent before it heard would be lost, and nobody would know whether it was handled.
    const parted = Promise.all(peers.map((peer) => peer.closed))
    if (graceMs > 0) await inTime(clock, partingMs, parted)
    for (const peer of this.#peers) peer.destroy()
  }

  #sweepLater(): void {
    const { clock, limits } = this.#options
    const sweep = (): void => {
      const before = clock.monotonic() - limits.frameMs
      for (const peer of this.#peers) peer.destroyIfStuckSince(before)
      this.#sweepLater()
    }
    this.#timer = clock.after(sweepMs, sweep, { background: true })
  }
}

/** One client's connection. */
class Peer {
  readonly #socket: Socket
  readonly #options: ServingOptions
  readonly #out: FrameWriter
  readonly #reader: FrameReader
  readonly #running = new Map<number, AbortController>()
  readonly #idle = Promise.withResolvers<void>()
  readonly #closed = Promise.withResolvers<void>()
  #greeted = false
  #leaving = false
  /** When what has not come whole yet began to come. */
  #since: number | undefined

  constructor(socket: Socket, options: ServingOptions, gone: () => void) {
    const { clock, limits } = options
    this.#socket = socket
    this.#options = options
    // Who does not read its answers is not read from either, so that they do not pile up.
    this.#out = new FrameWriter(socket, () => socket.pause())
    this.#reader = new FrameReader(limits.maxBytes)
    this.#since = clock.monotonic()
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#received(chunk))
    socket.on('drain', () => socket.resume())
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.#ended()
      gone()
    })
    const { maxBytes, maxInFlight } = limits
    this.#out.write(helloOf({ protocol, maxBytes, maxInFlight }))
  }

  /** Resolves when the connection is no more. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  destroyIfStuckSince(before: number): void {
    if (this.#since !== undefined && this.#since <= before) this.#socket.destroy()
  }

  /** Resolves when nothing is under way any more. */
  leave(): Promise<void> {
    this.#leaving = true
    this.#out.write(frameOf(kinds.leave, 0))
    if (this.#running.size === 0) this.#idle.resolve()
    return this.#idle.promise
  }

  /** What was written is sent before; what is not read by the other side within a moment is not. */
  destroy(): void {
    for (const controller of this.#running.values()) controller.abort(new Error('the server stops'))
    this.#out.flush()
    this.#socket.destroySoon()
  }

  #received(chunk: Buffer): void {
    try {
      this.#reader.read(chunk, this.#take)
    } catch (error) {
      if (!(error instanceof Malformed)) throw error
      // Whoever speaks something else cannot be told what is wrong in a way that it understands.
      this.#socket.destroy()
      return
    }
    const waits = !this.#greeted || !this.#reader.between
    this.#since = waits ? (this.#since ?? this.#options.clock.monotonic()) : undefined
  }

  readonly #take = (kind: Kind, number: number, payload: Buffer): void => {
    if (!this.#greeted) {
      if (kind !== kinds.hello) throw new Malformed('something before the greeting')
      readHello(payload)
      this.#greeted = true
    } else if (kind === kinds.request) this.#request(number, readRequest(payload))
    else if (kind === kinds.cancel) this.#running.get(number)?.abort(new Error('cancelled by the caller'))
    else throw new Malformed(`kind ${kind} from a client`)
    // A frame that came whole is not the one that the clock runs for.
    this.#since = undefined
  }

  #request(number: number, request: WireRequest): void {
    if (this.#running.has(number)) throw new Malformed('a number that is in use')
    if (this.#leaving || this.#running.size >= this.#options.limits.maxInFlight) {
      this.#out.write(frameOf(kinds.refuse, number))
      return
    }
    const controller = new AbortController()
    this.#running.set(number, controller)
    void this.#answer(number, request, controller.signal)
  }

  async #answer(number: number, request: WireRequest, signal: AbortSignal): Promise<void> {
    const answer = await this.#options.answer(request, signal)
    this.#running.delete(number)
    if (!signal.aborted) this.#out.write(answerOf(number, answer))
    if (this.#leaving && this.#running.size === 0) this.#idle.resolve()
  }

  #ended(): void {
    for (const controller of this.#running.values()) controller.abort(new Error('the caller is gone'))
    this.#idle.resolve()
    this.#closed.resolve()
  }
}
