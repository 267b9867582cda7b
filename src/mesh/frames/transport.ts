import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions as TlsOptions } from 'node:tls'
import type { Clock, Timer } from '../../time.ts'
import { type Ending, Lost, type Target, type Transport, type WireAnswer, type WireRequest } from '../transport.ts'
import { FrameConnection } from './connection.ts'

export interface FrameTransportOptions {
  readonly clock: Clock
  /** @default 2000 ms */
  readonly connectTimeoutMs?: number
  /** Longest answer that is read, in bytes. @default 16 MiB */
  readonly maxBytes?: number
  /** How long a connection is kept that nobody uses, in milliseconds. @default 60 000 */
  readonly idleMs?: number
  /** Speaks TLS with endpoints whose address begins with `tls:`. */
  readonly tls?: TlsOptions
}

interface Kept {
  readonly connection: FrameConnection
  usedAt: number
}

const sweepMs = 5000

/** One connection for each endpoint that is used, shared by all requests; made when needed, and made anew when it ended. */
export class FrameTransport implements Transport {
  readonly #options: Omit<Required<FrameTransportOptions>, 'tls'> & { readonly tls: TlsOptions | undefined }
  readonly #kept = new Map<string, Kept>()
  #timer: Timer | undefined
  #closed = false

  constructor({
    clock,
    connectTimeoutMs = 2000,
    maxBytes = 16 * 1024 * 1024,
    idleMs = 60_000,
    tls,
  }: FrameTransportOptions) {
    this.#options = { clock, connectTimeoutMs, maxBytes, idleMs, tls }
    this.#sweepLater()
  }

  send(target: Target, request: WireRequest, signal: Ending): Promise<WireAnswer> {
    if (this.#closed) return Promise.reject(new Lost('connect', `${target.address}: the client is closed`))
    return this.#connectionTo(target).send(request, signal)
  }

  keepOnly(targets: readonly Target[]): void {
    const ids = new Set(targets.map(({ id }) => id))
    for (const [id, { connection }] of this.#kept) {
      if (ids.has(id)) continue
      this.#kept.delete(id)
      connection.retire()
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    for (const { connection } of this.#kept.values()) connection.close()
    this.#kept.clear()
  }

  #connectionTo({ id, address }: Target): FrameConnection {
    const { clock, connectTimeoutMs, maxBytes, tls } = this.#options
    const known = this.#kept.get(id)
    const usedAt = clock.monotonic()
    if (known?.connection.usable) {
      known.usedAt = usedAt
      return known.connection
    }
    const connection = new FrameConnection({
      ...{ clock, connectTimeoutMs, maxBytes, where: address },
      dial: () => dial(address, tls),
    })
    this.#kept.set(id, { connection, usedAt })
    return connection
  }

  /** The client lets go first: a server that did could meet a request that is on its way. */
  #sweepLater(): void {
    const { clock, idleMs } = this.#options
    const sweep = (): void => {
      const before = clock.monotonic() - idleMs
      for (const [id, { connection, usedAt }] of this.#kept) {
        if (connection.usable && (usedAt > before || connection.inFlight > 0)) continue
        this.#kept.delete(id)
        connection.retire()
      }
      this.#sweepLater()
    }
    this.#timer = clock.after(sweepMs, sweep, { background: true })
  }
}

/** `tcp://127.0.0.1:7001`, `tls://orders.internal:7001`, `unix:/run/orders.sock`. */
function dial(address: string, tls: TlsOptions | undefined): Socket {
  if (address.startsWith('unix:')) return connectPlain({ path: address.slice('unix:'.length) })
  const { protocol, hostname, port } = new URL(address)
  const at = { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port) }
  // An address is no name that a server could choose a certificate by.
  if (protocol === 'tls:') return connectTls({ ...(isIP(at.host) ? {} : { servername: at.host }), ...tls, ...at })
  return connectPlain(at)
}
