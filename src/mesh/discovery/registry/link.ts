import type { Socket } from 'node:net'
import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { type ErrorCode, messageOf, SkerryError } from '../../../errors.ts'
import { randomIdentity } from '../../../ids.ts'
import type { Clock, Timer } from '../../../time.ts'
import { dial, type RegistryAddress, shownAddress } from './address.ts'
import { LineReader } from './lines.ts'
import { type Asked, type LoadOf, Malformed, type Proof, protocol, readTold, type Told } from './messages.ts'
import { Pauses } from './pauses.ts'
import { proofOf, proves } from './secret.ts'

export interface LinkOptions {
  readonly clock: Clock
  readonly address: RegistryAddress
  readonly tls: TlsOptions | undefined
  readonly secret: string
  /** Called once, when both sides have proved that they know the secret. */
  readonly joined: () => void
  readonly told: (message: Told) => void
  /** What the pings say. */
  readonly loads: () => readonly LoadOf[]
  /** Called once. */
  readonly ended: (why: SkerryError) => void
}

type State =
  | { readonly at: 'greeting'; readonly since: number }
  | { readonly at: 'proving'; readonly since: number; readonly challenges: { registry: string; client: string } }
  | { readonly at: 'joined' }
  | { readonly at: 'ended' }

const longestMessage = 16 * 1024 * 1024
const lookMs = 250
const looksForPing = 4
/** How long a registry may be silent, in milliseconds: it pings every second. */
const silenceMs = 2500
const joinMs = 3000
/** Loads go in messages that the registry is sure to read. */
const loadsOfPing = 64

/** One connection to a registry. It is never made again: its owner makes another. */
export class RegistryLink {
  readonly #options: LinkOptions
  readonly #socket: Socket
  readonly #reader = new LineReader(longestMessage)
  readonly #closed = Promise.withResolvers<void>()
  readonly #pauses: Pauses
  #state: State
  #heardAt: number
  #looks = 0
  #timer: Timer | undefined

  constructor(options: LinkOptions) {
    const now = options.clock.monotonic()
    this.#options = options
    this.#pauses = new Pauses(lookMs, now)
    this.#heardAt = now
    this.#state = { at: 'greeting', since: now }
    this.#socket = dial(options.address, options.tls)
    this.#socket.setNoDelay(true)
    this.#socket.on('data', (chunk: Buffer) => this.#received(chunk))
    this.#socket.on('error', (error) => this.#end('unavailable', messageOf(error), error))
    this.#socket.on('close', () => {
      this.#end('unavailable', 'the connection ended')
      this.#closed.resolve()
    })
    this.#lookLater()
  }

  say(message: Asked): void {
    if (this.#state.at === 'joined') this.#write(message)
  }

  /** What was said before is sent. Resolves when it is closed. `ended` is not called any more. */
  close(): Promise<void> {
    this.#state = { at: 'ended' }
    this.#timer?.cancel()
    this.#socket.end()
    this.#socket.setTimeout(200, () => this.#socket.destroy())
    return this.#closed.promise
  }

  #received(chunk: Buffer): void {
    this.#heardAt = this.#options.clock.monotonic()
    try {
      for (const line of this.#reader.read(chunk)) this.#take(readTold(line))
    } catch (error) {
      if (!(error instanceof Malformed)) throw error
      this.#end('unavailable', `it does not speak ${protocol} (${error.message})`, error)
    }
  }

  #take(message: Told): void {
    const state = this.#state
    if (state.at === 'ended') return
    if (message.kind === 'refused') this.#end(state.at === 'joined' ? 'unavailable' : 'unauthorized', message.reason)
    else if (state.at === 'greeting') this.#prove(state.since, message)
    else if (state.at === 'proving') this.#welcome(state.challenges, message)
    else this.#options.told(message)
  }

  #prove(since: number, message: Told): void {
    if (message.kind !== 'challenge' || message.protocol !== protocol) throw new Malformed('no challenge of ours')
    const challenges = { registry: message.nonce, client: randomIdentity() }
    this.#state = { at: 'proving', since, challenges }
    this.#write({
      kind: 'proof',
      nonce: challenges.client,
      mac: proofOf(this.#options.secret, 'client', challenges),
    })
  }

  #welcome(challenges: { registry: string; client: string }, message: Told): void {
    if (message.kind !== 'welcome') throw new Malformed('something before the welcome')
    if (!proves(message.mac, this.#options.secret, 'registry', challenges))
      return void this.#end('unauthorized', 'it does not know the secret')
    this.#state = { at: 'joined' }
    this.#options.joined()
    this.#ping()
  }

  #lookLater(): void {
    this.#timer = this.#options.clock.after(lookMs, () => {
      this.#lookLater()
      this.#look()
    })
  }

  #look(): void {
    const now = this.#options.clock.monotonic()
    this.#heardAt += this.#pauses.look(now)
    const state = this.#state
    if (state.at === 'joined') {
      if (++this.#looks % looksForPing === 0) this.#ping()
      if (now - this.#heardAt >= silenceMs) this.#end('unavailable', `it was silent for ${silenceMs} ms`)
    } else if (state.at !== 'ended' && now - state.since >= joinMs)
      this.#end('unavailable', `no welcome within ${joinMs} ms`)
  }

  #ping(): void {
    const loads = [...this.#options.loads()]
    do this.say({ kind: 'ping', loads: loads.splice(0, loadsOfPing) })
    while (loads.length > 0)
  }

  #end(code: ErrorCode, reason: string, cause?: unknown): void {
    if (this.#state.at === 'ended') return
    this.#state = { at: 'ended' }
    this.#timer?.cancel()
    this.#socket.destroy()
    const remedy = code === 'unauthorized' ? '; give the secret that the registry was started with' : ''
    const message = `registry ${shownAddress(this.#options.address)}: ${reason}${remedy}`
    this.#options.ended(new SkerryError(code, message, cause === undefined ? {} : { cause }))
  }

  #write(message: Asked | Proof): void {
    this.#socket.write(`${JSON.stringify(message)}\n`)
  }
}
