import { type Dispatcher, Pool } from 'undici'
import type { ClientTls } from '../tls.ts'
import { type Ending, Lost, type Target, type Transport, type WireAnswer, type WireRequest } from '../transport.ts'

export interface HttpTransportOptions {
  /** Connections to one endpoint; each carries one request at a time. @default 128 */
  readonly connections?: number
  /** @default 1000 ms */
  readonly connectTimeoutMs?: number
  /**
   * How long a connection is kept that nobody uses, in milliseconds. Less than servers keep theirs (Node's own: 5 s): who lets go
   * first must be the client, or a request meets a connection that has just been closed. @default 4000
   */
  readonly idleMs?: number
  /** Longest answer that is read, in bytes. @default 16 MiB */
  readonly maxBytes?: number
  /** For endpoints whose address begins with `https:`. */
  readonly tls?: ClientTls
}

/** Plain HTTP/1.1, kept alive, for whoever does not speak frames: `http://10.0.0.7:8080`, `https://…`, `unix:/run/orders.sock`. */
export class HttpTransport implements Transport {
  readonly #options: Required<Omit<HttpTransportOptions, 'tls'>> & { readonly tls: ClientTls | undefined }
  readonly #pools = new Map<string, { readonly pool: Pool; readonly origin: string }>()

  constructor({
    connections = 128,
    connectTimeoutMs = 1000,
    idleMs = 4000,
    maxBytes = 16 * 1024 * 1024,
    tls,
  }: HttpTransportOptions = {}) {
    this.#options = { connections, connectTimeoutMs, idleMs, maxBytes, tls }
  }

  send(target: Target, request: WireRequest, signal: Ending): Promise<WireAnswer> {
    if (signal.aborted) return Promise.reject(signal.reason)
    const { pool, origin } = this.#poolOf(target)
    return new Promise((resolve, reject) => {
      const exchange = new Exchange(target.address, this.#options.maxBytes, signal, resolve, reject)
      const { method, path, headers, body } = request
      const sent = body.byteLength > 0 ? body : null
      pool.dispatch({ origin, path, method: method as Dispatcher.HttpMethod, headers, body: sent }, exchange)
    })
  }

  keepOnly(targets: readonly Target[]): void {
    const ids = new Set(targets.map(({ id }) => id))
    for (const [id, { pool }] of this.#pools) {
      if (ids.has(id)) continue
      this.#pools.delete(id)
      // What is under way there ends first.
      pool.close().catch(() => {})
    }
  }

  async close(): Promise<void> {
    const pools = [...this.#pools.values()]
    this.#pools.clear()
    await Promise.all(pools.map(({ pool }) => pool.destroy()))
  }

  #poolOf({ id, address }: Target): { readonly pool: Pool; readonly origin: string } {
    const known = this.#pools.get(id)
    if (known) return known
    const { connections, connectTimeoutMs, idleMs, tls } = this.#options
    const socketPath = address.startsWith('unix:') ? address.slice('unix:'.length) : undefined
    const origin = socketPath === undefined ? address : 'http://localhost'
    const made = {
      origin,
      pool: new Pool(origin, {
        ...{ connections, pipelining: 1, keepAliveTimeout: idleMs, keepAliveMaxTimeout: idleMs },
        // How long an answer may take is decided above.
        ...{ headersTimeout: 0, bodyTimeout: 0 },
        connect: { ...tls, timeout: connectTimeoutMs, ...(socketPath !== undefined && { socketPath }) },
      }),
    }
    this.#pools.set(id, made)
    return made
  }
}

/** One request and its answer, as undici tells of them. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #where: string
  readonly #maxBytes: number
  readonly #signal: Ending
  readonly #resolve: (answer: WireAnswer) => void
  readonly #reject: (error: unknown) => void
  readonly #chunks: Buffer[] = []
  #controller: Dispatcher.DispatchController | undefined
  #status = 0
  #headers: Readonly<Record<string, string>> = {}
  #length = 0

  constructor(
    where: string,
    maxBytes: number,
    signal: Ending,
    resolve: (answer: WireAnswer) => void,
    reject: (error: unknown) => void,
  ) {
    this.#where = where
    this.#maxBytes = maxBytes
    this.#signal = signal
    this.#resolve = resolve
    this.#reject = reject
    signal.addEventListener('abort', this.#abort, { once: true })
  }

  readonly #abort = (): void => {
    this.#reject(this.#signal.reason)
    this.#controller?.abort(abortedBy(this.#signal))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#signal.aborted) controller.abort(abortedBy(this.#signal))
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    // An interim answer (1xx): the real one comes.
    if (status < 200) return
    this.#status = status
    this.#headers = joined(headers)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#length += chunk.length
    if (this.#length > this.#maxBytes) controller.abort(new Error(`an answer of more than ${this.#maxBytes} bytes`))
    else this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    this.#done()
    const [only, second] = this.#chunks
    const body = only && !second ? only : Buffer.concat(this.#chunks, this.#length)
    this.#resolve({ status: this.#status, headers: this.#headers, body })
  }

  onResponseError(_: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#done()
    // What was never handed to a connection was never sent, whatever became of the connection.
    const how = this.#controller ? 'reset' : 'connect'
    this.#reject(new Lost(how, `${this.#where}: ${error.message || String(error)}`, error))
  }

  #done(): void {
    this.#signal.removeEventListener('abort', this.#abort)
  }
}

/** Headers that came twice are one, joined by a comma. Where none did, which is almost always, nothing is copied. */
function joined(headers: Record<string, string | string[] | undefined>): Readonly<Record<string, string>> {
  for (const name in headers) {
    const value = headers[name]
    if (typeof value === 'object') headers[name] = value.join(', ')
    else if (value === undefined) delete headers[name]
  }
  return headers as Record<string, string>
}

const abortedBy = ({ reason }: Ending): Error => (reason instanceof Error ? reason : new Error(String(reason)))
