import type { Socket } from 'node:net'
import type { TlsOptions } from 'node:tls'
import type { Clock, Timer } from '../../../time.ts'
import { type RegistryAddress, shownAddress } from './address.ts'
import { type Listening, listen } from './listening.ts'
import { ClientConnection } from './peer.ts'
import { checkSecret } from './secret.ts'
import { type Cause, defaultTimes, type Peer, RegistryState, type RegistryTimes } from './state.ts'

export interface RegistryOptions {
  readonly clock: Clock
  /** Known to all who may register or watch; 16 bytes at least. */
  readonly secret: string
  readonly listen: RegistryAddress
  /** Certificate and key, for an address of TLS. */
  readonly tls?: TlsOptions
  readonly times?: Partial<RegistryTimes>
  /** Most connections; more are ended at once. @default 10 000 */
  readonly maxConnections?: number
  /** How long a client may take to prove that it knows the secret, in milliseconds. @default 3000 */
  readonly proofMs?: number
  /** Is told why a connection was ended from this side, in one line. */
  readonly onRefused?: (why: string) => void
}

const pingMs = 1000
/** What changes within so short a time is told at once, as one change. */
const gatherMs = 10

/** A registry of instances: keeps what its clients say in memory, for as long as each is connected, and tells all who watch. */
export class Registry {
  readonly #options: Required<Omit<RegistryOptions, 'tls' | 'times'>>
  readonly #times: RegistryTimes
  readonly #state: RegistryState
  readonly #clients = new Map<Peer, ClientConnection>()
  #listening: Listening | undefined
  #timers: Timer[] = []
  #gathering: Timer | undefined
  #last = 0

  /** Throws `invalid_config`, `conflict` or `io_error`. */
  static async start(options: RegistryOptions): Promise<Registry> {
    checkSecret(options.secret)
    const registry = new Registry(options)
    registry.#listening = await listen(options.listen, options.tls, (socket) => registry.#accept(socket))
    registry.#every(registry.#times.lookMs, () => registry.#look())
    registry.#every(pingMs, () => registry.#ping())
    return registry
  }

  private constructor(options: RegistryOptions) {
    this.#options = { maxConnections: 10_000, proofMs: 3000, onRefused: () => {}, ...options }
    this.#times = { ...defaultTimes, ...options.times }
    this.#state = new RegistryState(options.clock.monotonic(), this.#times)
  }

  /** Where it listens, as clients write it. */
  get address(): string {
    return shownAddress(this.#listening?.address ?? this.#options.listen)
  }

  /** Ends all connections; clients keep what they know. */
  async close(): Promise<void> {
    for (const timer of this.#timers) timer.cancel()
    this.#gathering?.cancel()
    this.#listening?.close()
    await Promise.all([...this.#clients.values()].map((client) => client.close()))
  }

  #accept(socket: Socket): void {
    const { clock, secret, maxConnections, onRefused } = this.#options
    if (this.#clients.size >= maxConnections) {
      onRefused(`more than ${maxConnections} connections`)
      return void socket.destroy()
    }
    const peer = ++this.#last
    const client = new ClientConnection({
      ...{ socket, secret, onRefused },
      now: clock.monotonic(),
      joined: () => this.#apply({ kind: 'joined', peer }),
      said: (message) => this.#apply({ kind: 'said', peer, message }),
      ended: () => {
        this.#clients.delete(peer)
        this.#apply({ kind: 'left', peer })
      },
    })
    this.#clients.set(peer, client)
  }

  #apply(cause: Cause): void {
    for (const effect of this.#state.apply(cause, this.#options.clock.monotonic())) {
      const client = this.#clients.get(effect.peer)
      if (effect.kind === 'end') client?.end(effect.why)
      else {
        client?.owe(effect.kind === 'view' ? effect.service : undefined)
        this.#gathering ??= this.#options.clock.after(gatherMs, () => this.#tell(), { background: true })
      }
    }
  }

  #tell(): void {
    this.#gathering = undefined
    const state = this.#state
    const now = this.#options.clock.monotonic()
    // Many watch the same: it becomes text once.
    const views = new Map<string, string>()
    const source = {
      view(service: string): string {
        const text = views.get(service) ?? JSON.stringify({ kind: 'view', ...state.viewOf(service) })
        views.set(service, text)
        return text
      },
      listing: () => JSON.stringify({ kind: 'listing', services: state.listing(now) }),
    }
    for (const client of this.#clients.values()) client.pay(source)
  }

  #look(): void {
    const { clock, proofMs } = this.#options
    for (const client of this.#clients.values()) client.endIfUnprovenSince(clock.monotonic() - proofMs)
    this.#apply({ kind: 'time' })
    // Who did not keep up may by now.
    this.#gathering ??= clock.after(gatherMs, () => this.#tell(), { background: true })
  }

  #ping(): void {
    for (const client of this.#clients.values()) client.ping()
  }

  #every(ms: number, work: () => void): void {
    const at = this.#timers.length
    const again = (): void => {
      this.#timers[at] = this.#options.clock.after(
        ms,
        () => {
          again()
          work()
        },
        { background: true },
      )
    }
    again()
  }
}
