import type { Socket } from 'node:net'
import { type Clock, inTime } from '../../time.ts'
import { orAborted } from '../aborting.ts'
import { problem, problemType } from '../server/problem.ts'
import { type Ending, Lost, type WireAnswer, type WireRequest } from '../transport.ts'
import {
  frameOf,
  type Hello,
  headerBytes,
  helloOf,
  type Kind,
  kinds,
  Malformed,
  protocol,
  readAnswer,
  readHello,
  requestOf,
} from './codec.ts'
import { FrameReader } from './reader.ts'
import { FrameWriter } from './writer.ts'

export interface ConnectionOptions {
  /** Begins to connect; the connection is ours from then on. */
  readonly dial: () => Socket
  readonly clock: Clock
  /** How long the other side's greeting may take, in milliseconds. */
  readonly connectTimeoutMs: number
  /** Longest answer that is read, in bytes. */
  readonly maxBytes: number
  /** Where it leads, for messages. */
  readonly where: string
}

type State =
  | { readonly at: 'connecting' }
  | { readonly at: 'open'; readonly hello: Hello }
  | { readonly at: 'ended'; readonly why: Lost }

/** A request that waits for its answer. Nothing of it is left with the signal once it is settled. */
interface Pending {
  readonly resolve: (answer: WireAnswer) => void
  readonly reject: (error: unknown) => void
  readonly signal: Ending
  readonly abort: () => void
  /** What had been received by the time that it was sent, in frames. */
  readonly heard: number
}

const numbers = 2 ** 32

/** One connection to one other service, for any number of requests at a time. It is never made again: its owner makes another. */
export class FrameConnection {
  readonly #options: ConnectionOptions
  readonly #socket: Socket
  readonly #out: FrameWriter
  readonly #reader: FrameReader
  readonly #pending = new Map<number, Pending>()
  readonly #opened = Promise.withResolvers<void>()
  readonly #waiting: (() => void)[] = []
  #state: State = { at: 'connecting' }
  #retired = false
  #last = 0
  #heard = 0

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#reader = new FrameReader(options.maxBytes)
    this.#opened.promise.catch(() => {})
    const socket = options.dial()
    this.#socket = socket
    this.#out = new FrameWriter(socket)
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#received(chunk))
    socket.on('error', (error) => this.#end(error.message, error))
    socket.on('close', () => this.#end('the connection ended'))
    this.#out.write(helloOf({ protocol, maxBytes: options.maxBytes, maxInFlight: 1 }))
    void this.#mustOpen()
  }

  /** Requests that wait for an answer here, or for a place. */
  get inFlight(): number {
    return this.#pending.size + this.#waiting.length
  }

  /** Whether it can be given another request. */
  get usable(): boolean {
    return !this.#retired && this.#state.at !== 'ended'
  }

  /** See `Transport.send`. */
  send(request: WireRequest, signal: Ending): Promise<WireAnswer> {
    if (signal.aborted) return Promise.reject(signal.reason)
    const { at } = this.#state
    return at === 'open' && !this.#full ? this.#ask(request, signal) : this.#askLater(request, signal)
  }

  async #askLater(request: WireRequest, signal: Ending): Promise<WireAnswer> {
    if (this.#state.at === 'connecting') await orAborted(this.#opened.promise, signal)
    // Nothing may come between the last look and taking the place.
    while (this.#full) await this.#wait(signal)
    return this.#ask(request, signal)
  }

  #ask(request: WireRequest, signal: Ending): Promise<WireAnswer> {
    const state = this.#state
    if (state.at !== 'open')
      return Promise.reject(state.at === 'ended' ? unsent(state.why) : this.#lost('connect', 'is not there yet'))
    const number = this.#number()
    const frame = requestOf(number, request)
    if (frame.bytes - headerBytes > state.hello.maxBytes) {
      this.#next()
      return Promise.resolve(tooLarge(state.hello.maxBytes))
    }
    return new Promise((resolve, reject) => {
      const abort = (): void => this.#abandon(number)
      this.#pending.set(number, { resolve, reject, signal, abort, heard: this.#heard })
      signal.addEventListener('abort', abort, { once: true })
      this.#out.write(frame)
    })
  }

  /** Takes no more requests, and closes when the last one has its answer. */
  retire(): void {
    this.#retired = true
    if (this.inFlight === 0) this.close()
  }

  close(): void {
    this.#end('closed here')
    this.#socket.destroy()
  }

  async #mustOpen(): Promise<void> {
    const { clock, connectTimeoutMs } = this.#options
    const settled = this.#opened.promise.catch(() => {})
    if (await inTime(clock, connectTimeoutMs, settled)) return
    this.#end(`no greeting within ${connectTimeoutMs} ms`)
    this.#socket.destroy()
  }

  /** Whether the other side is at as many requests of ours as it takes. */
  get #full(): boolean {
    return this.#state.at === 'open' && this.#pending.size >= this.#state.hello.maxInFlight
  }

  /** Until there may be a place. */
  async #wait(signal: Ending): Promise<void> {
    const free = Promise.withResolvers<void>()
    this.#waiting.push(free.resolve)
    try {
      await orAborted(free.promise, signal)
    } catch (error) {
      const at = this.#waiting.indexOf(free.resolve)
      // It had its place already: the next one gets it.
      if (at < 0) this.#next()
      else this.#waiting.splice(at, 1)
      throw error
    }
  }

  #next(): void {
    this.#waiting.shift()?.()
    if (this.#retired && this.inFlight === 0) this.close()
  }

  #number(): number {
    do this.#last = (this.#last + 1) % numbers
    while (this.#last === 0 || this.#pending.has(this.#last))
    return this.#last
  }

  /** Takes it from among those that wait. Nothing for one that does not any more. */
  #settled(number: number): Pending | undefined {
    const pending = this.#pending.get(number)
    if (!pending) return undefined
    this.#pending.delete(number)
    pending.signal.removeEventListener('abort', pending.abort)
    return pending
  }

  #abandon(number: number): void {
    const pending = this.#settled(number)
    if (!pending) return
    if (this.#state.at === 'open') this.#out.write(frameOf(kinds.cancel, number))
    pending.reject(pending.signal.reason)
    // Nothing at all since then: the way may be dead. Others get another connection; those that wait here may still be lucky.
    if (this.#heard === pending.heard) this.#retired = true
    this.#next()
  }

  #received(chunk: Buffer): void {
    try {
      this.#reader.read(chunk, this.#take)
    } catch (error) {
      this.#end(error instanceof Malformed ? error.message : String(error), error)
      this.#socket.destroy()
    }
  }

  readonly #take = (kind: Kind, number: number, payload: Buffer): void => {
    this.#heard++
    if (this.#state.at === 'connecting') {
      if (kind !== kinds.hello) throw new Malformed('something before the greeting')
      this.#state = { at: 'open', hello: readHello(payload) }
      this.#opened.resolve()
    } else if (kind === kinds.answer) this.#answered(number, () => readAnswer(payload))
    else if (kind === kinds.refuse)
      this.#answered(number, () => {
        throw this.#lost('refused', 'takes no more requests')
      })
    else if (kind === kinds.leave) this.retire()
    else throw new Malformed(`kind ${kind} from a server`)
  }

  #answered(number: number, read: () => WireAnswer): void {
    const pending = this.#settled(number)
    // One that was cancelled meanwhile.
    if (!pending) return
    try {
      pending.resolve(read())
    } catch (error) {
      if (error instanceof Malformed) {
        pending.reject(this.#lost('reset', error.message, error))
        throw error
      }
      pending.reject(error)
    }
    this.#next()
  }

  #end(reason: string, cause?: unknown): void {
    if (this.#state.at === 'ended') return
    const why = this.#lost(this.#state.at === 'open' ? 'reset' : 'connect', reason, cause)
    this.#state = { at: 'ended', why }
    this.#opened.reject(why)
    for (const number of [...this.#pending.keys()]) this.#settled(number)?.reject(why)
    for (const go of this.#waiting.splice(0)) go()
  }

  #lost(how: Lost['how'], reason: string, cause?: unknown): Lost {
    return new Lost(how, `${this.#options.where}: ${reason}`, cause)
  }
}

/** What waited for its place was never sent: for it a connection that broke is one that took no more. */
const unsent = (why: Lost): Lost => (why.how === 'reset' ? new Lost('refused', why.message, why.cause) : why)

/** What the server would answer, had it been asked. */
function tooLarge(mostBytes: number): WireAnswer {
  const said = problem(413, 'request_too_large', `the request has more than ${mostBytes} bytes`)
  return { status: 413, headers: { 'content-type': problemType }, body: Buffer.from(JSON.stringify(said)) }
}
