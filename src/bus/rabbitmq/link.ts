import type { Socket } from 'node:net'
import { type Channel, type ChannelModel, type ConfirmChannel, connect } from 'amqplib'
import { SkerryError } from '../../errors.ts'
import { type Clock, inTime, pause } from '../../time.ts'
import { tlsFiles, tlsParameters } from '../../tls.ts'
import { explain, shownUrl } from './failures.ts'

export interface LinkOptions {
  readonly url: string
  /** What the server shows people as this connection's name. */
  readonly name: string
  readonly clock: Clock
  readonly heartbeatSeconds: number
  /** Longest wait for a connection, in milliseconds. */
  readonly timeoutMs: number
}

type State =
  | { readonly at: 'away'; readonly error: unknown; readonly back: PromiseWithResolvers<void> }
  | { readonly at: 'open'; readonly model: ChannelModel }
  | { readonly at: 'closed' }

const oldest = [3, 10] as const
const longestRetryMs = 5000

/** One connection to the server, made anew whenever it ends. Channels are their users' to make anew. */
export class Link {
  readonly shown: string
  readonly #options: LinkOptions
  readonly #abort = new AbortController()
  readonly #running: Promise<void>
  #state: State = { at: 'away', error: undefined, back: Promise.withResolvers() }
  #blocked: string | undefined
  #unblocked = Promise.withResolvers<void>()
  /** Set when no retry can help at the start: wrong credentials, a server that is too old. */
  #refused = Promise.withResolvers<never>()

  constructor(options: LinkOptions) {
    this.#options = options
    this.shown = shownUrl(options.url)
    this.#refused.promise.catch(() => {})
    this.#running = this.#run()
  }

  /** Resolves with the first connection; rejects when it is refused or does not come in time. */
  async opened(): Promise<void> {
    await Promise.race([this.model(), this.#refused.promise])
  }

  /** The connection that is open now, or comes within the time. Rejects with `unavailable` or `closed`. */
  async model(): Promise<ChannelModel> {
    const { clock, timeoutMs } = this.#options
    const until = clock.monotonic() + timeoutMs
    for (;;) {
      const state = this.#state
      if (state.at === 'open') return state.model
      if (state.at === 'closed') throw closed(this.shown)
      const left = until - clock.monotonic()
      if (left <= 0 || !(await inTime(clock, left, state.back.promise))) throw this.#unreachable()
    }
  }

  /** A channel of its own for one user, who closes it. Its end is an event, never an exception of the process. */
  async channel(): Promise<Channel> {
    return this.#watched(await this.#attempt(async () => (await this.model()).createChannel()))
  }

  async confirmChannel(): Promise<ConfirmChannel> {
    return this.#watched(await this.#attempt(async () => (await this.model()).createConfirmChannel()))
  }

  /** True while there is a connection. */
  get open(): boolean {
    return this.#state.at === 'open'
  }

  /** Why the server takes no publishes now (an alarm: disk or memory), or undefined. */
  get blocked(): string | undefined {
    return this.#blocked
  }

  /** Waits until the server takes publishes again, at most `ms`; true when it does. */
  async unblocked(ms: number): Promise<boolean> {
    return this.#blocked === undefined || inTime(this.#options.clock, ms, this.#unblocked.promise)
  }

  /** Gives up a connection that does not answer: what waits on it fails, and another one is made. */
  drop(why: string): void {
    if (this.#state.at === 'open') socketOf(this.#state.model)?.destroy(new Error(why))
  }

  async close(): Promise<void> {
    const { clock } = this.#options
    const state = this.#state
    if (state.at === 'closed') return
    this.#state = { at: 'closed' }
    this.#abort.abort()
    if (state.at === 'away') state.back.resolve()
    this.#unblocked.resolve()
    if (state.at === 'open') {
      // A server that does not answer is not waited for.
      await inTime(
        clock,
        closingMs,
        state.model.close().catch(() => {}),
      )
      socketOf(state.model)?.destroy()
    }
    await this.#running
  }

  async #run(): Promise<void> {
    for (let tries = 0; this.#state.at !== 'closed'; ) {
      try {
        const model = await this.#connect()
        tries = 0
        await this.#serve(model)
      } catch (error) {
        this.#fail(error)
        // Away longer each time, and never all clients at the same moment: each counts from its own failure.
        await pause(this.#options.clock, Math.min(longestRetryMs, 50 * 2 ** Math.min(tries++, 10)), this.#abort.signal)
      }
    }
  }

  async #connect(): Promise<ChannelModel> {
    const { url, name, heartbeatSeconds, timeoutMs } = this.#options
    const target = new URL(url)
    // Read at each connection: what was renewed is used.
    const tls = tlsFiles(target.searchParams, this.shown)
    if (tls && target.protocol !== 'amqps:')
      throw new SkerryError('invalid_config', `${this.shown}: certificates are of no use with amqp:; use amqps:`)
    for (const parameter of tlsParameters) target.searchParams.delete(parameter)
    target.searchParams.set('heartbeat', String(heartbeatSeconds))
    const clientProperties = { connection_name: name }
    const model = await connect(target.href, { ...tls, noDelay: true, timeout: timeoutMs, clientProperties })
    model.on('error', () => {})
    try {
      refuseOld(model, this.shown)
    } catch (error) {
      await model.close()
      throw error
    }
    return model
  }

  async #serve(model: ChannelModel): Promise<void> {
    const ended = new Promise<void>((resolve) => model.on('close', () => resolve()))
    let failure: unknown
    model.on('error', (error) => {
      failure = error
    })
    model.on('blocked', (reason) => {
      this.#blocked = reason
      this.#unblocked = Promise.withResolvers()
    })
    model.on('unblocked', () => this.#unblock())
    const before = this.#state
    if (before.at === 'closed') {
      await model.close().catch(() => {})
      return
    }
    this.#state = { at: 'open', model }
    if (before.at === 'away') before.back.resolve()
    await ended
    socketOf(model)?.destroy()
    this.#unblock()
    if (!this.#abort.signal.aborted) throw failure ?? new Error('the server closed the connection')
  }

  #unblock(): void {
    this.#blocked = undefined
    this.#unblocked.resolve()
  }

  #fail(error: unknown): void {
    if (this.#state.at === 'closed') return
    const why = explain(error, this.shown)
    if (why.code !== 'unavailable') this.#refused.reject(why)
    const back = this.#state.at === 'away' ? this.#state.back : Promise.withResolvers<void>()
    this.#state = { at: 'away', error: why, back }
  }

  async #attempt<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (this.#state.at === 'closed') throw closed(this.shown)
      throw explain(error, this.shown)
    }
  }

  #watched<T extends Channel>(channel: T): T {
    channel.on('error', () => {})
    return channel
  }

  #unreachable(): SkerryError {
    const { error } = this.#state as { error?: unknown }
    if (error instanceof SkerryError) return error
    return new SkerryError('unavailable', `${this.shown} does not answer within ${this.#options.timeoutMs} ms`)
  }
}

const closingMs = 2000

export const closed = (shown: string): SkerryError => new SkerryError('closed', `the bus ${shown} is closed`)

/** The library keeps the socket to itself, and leaves it half open when the other side is gone. */
function socketOf(model: ChannelModel): Socket | undefined {
  return (model.connection as unknown as { stream?: Socket }).stream
}

function refuseOld(model: ChannelModel, shown: string): void {
  const { product, version } = model.connection.serverProperties
  const [major = 0, minor = 0] = String(version).split('.').map(Number)
  if (product === 'RabbitMQ' && (major > oldest[0] || (major === oldest[0] && minor >= oldest[1]))) return
  throw new SkerryError(
    'capability_absent',
    `${shown} is ${product} ${version}; RabbitMQ ${oldest.join('.')} or later is needed`,
  )
}
