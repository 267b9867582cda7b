import type { Socket } from 'node:net'
import { randomIdentity } from '../../../ids.ts'
import { LineReader } from './lines.ts'
import {
  type Asked,
  longestAsked,
  Malformed,
  type Proof,
  protocol,
  readAsked,
  readProof,
  type Told,
} from './messages.ts'
import { proofOf, proves } from './secret.ts'

export interface ClientConnectionOptions {
  readonly socket: Socket
  readonly secret: string
  /** Monotonic, in milliseconds. */
  readonly now: number
  readonly joined: () => void
  readonly said: (message: Asked) => void
  /** Called once, when nothing comes or goes any more. */
  readonly ended: () => void
  readonly onRefused: (why: string) => void
}

/** What a client can be told, as text. */
export interface Source {
  readonly view: (service: string) => string
  readonly listing: () => string
}

type State =
  | { readonly at: 'challenged'; readonly nonce: string; readonly since: number }
  | { readonly at: 'joined' }
  | { readonly at: 'ended' }

const longestProof = 1024
/** Who has this much unread, in bytes, is told no more until it has read on; then only what is newest. */
const mostUnread = 256 * 1024
const graceMs = 200

/** One client's connection, as the registry has it. */
export class ClientConnection {
  readonly #options: ClientConnectionOptions
  readonly #socket: Socket
  readonly #closed = Promise.withResolvers<void>()
  readonly #owed = new Set<string>()
  #owesListing = false
  readonly #reader = new LineReader(longestProof)
  #state: State

  constructor(options: ClientConnectionOptions) {
    const { socket, now } = options
    this.#options = options
    this.#socket = socket
    this.#state = { at: 'challenged', nonce: randomIdentity(), since: now }
    if ('setNoDelay' in socket) socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#received(chunk))
    socket.on('error', () => socket.destroy())
    // Half an end is the end: nobody is told anything who does not say pings.
    socket.on('end', () => socket.destroy())
    socket.on('close', () => {
      this.#state = { at: 'ended' }
      this.#closed.resolve()
      options.ended()
    })
    this.#write({ kind: 'challenge', protocol, nonce: this.#state.nonce })
  }

  /** The client shall be told of a service, or of all of them. */
  owe(service: string | undefined): void {
    if (service === undefined) this.#owesListing = true
    else this.#owed.add(service)
  }

  /** Tells what is owed, unless the client does not keep up. */
  pay(source: Source): void {
    if (this.#state.at !== 'joined') return
    for (const service of this.#owed) {
      if (this.#behind) return
      this.#owed.delete(service)
      this.#socket.write(`${source.view(service)}\n`)
    }
    if (!this.#owesListing || this.#behind) return
    this.#owesListing = false
    this.#socket.write(`${source.listing()}\n`)
  }

  ping(): void {
    if (this.#state.at === 'joined' && !this.#behind) this.#write({ kind: 'ping' })
  }

  endIfUnprovenSince(before: number): void {
    if (this.#state.at === 'challenged' && this.#state.since <= before) this.end('no proof came in time')
  }

  /** Says why, and ends. */
  end(why: string): void {
    if (this.#state.at === 'ended') return
    this.#state = { at: 'ended' }
    const { remoteAddress } = this.#socket
    this.#options.onRefused(`${remoteAddress ?? 'a client on this machine'}: ${why}`)
    this.#write({ kind: 'refused', reason: why })
    this.#socket.destroySoon()
    // Who does not read will not close either.
    this.#socket.setTimeout(graceMs, () => this.#socket.destroy())
  }

  /** Resolves when it is closed. */
  close(): Promise<void> {
    this.#socket.destroy()
    return this.#closed.promise
  }

  get #behind(): boolean {
    return this.#socket.writableLength > mostUnread
  }

  #received(chunk: Buffer): void {
    try {
      for (const line of this.#reader.read(chunk)) this.#take(line)
    } catch (error) {
      if (!(error instanceof Malformed)) throw error
      this.end(error.message)
    }
  }

  #take(line: string): void {
    const state = this.#state
    if (state.at === 'ended') return
    if (state.at === 'challenged') this.#prove(state.nonce, readProof(line))
    else this.#options.said(readAsked(line))
  }

  #prove(nonce: string, { nonce: client, mac }: Proof): void {
    const { secret, joined } = this.#options
    const challenges = { registry: nonce, client }
    if (!proves(mac, secret, 'client', challenges)) return void this.end(wrongSecret)
    this.#state = { at: 'joined' }
    this.#reader.maxBytes = longestAsked
    this.#write({ kind: 'welcome', mac: proofOf(secret, 'registry', challenges) })
    joined()
  }

  #write(message: Told): void {
    this.#socket.write(`${JSON.stringify(message)}\n`)
  }
}

/** What both sides say of it. */
export const wrongSecret = 'the secret is not the one of this registry'
