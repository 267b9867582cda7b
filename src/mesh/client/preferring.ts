import type { Clock } from '../../time.ts'
import { type Ending, Lost, type Target, type Transport, type WireAnswer, type WireRequest } from '../transport.ts'

export interface PreferringOptions {
  readonly frames: Transport
  readonly http: Transport
  readonly clock: Clock
}

/**
 * How long an endpoint is spoken to by HTTP after its frames could not be reached, in milliseconds: they may be for neighbours only,
 * such as a socket on its own machine.
 */
const avoidMs = 30_000

/** Frames where an endpoint offers them, HTTP otherwise. */
export class PreferringTransport implements Transport {
  readonly #options: PreferringOptions
  readonly #avoided = new Map<string, number>()

  constructor(options: PreferringOptions) {
    this.#options = options
  }

  send(target: Target, request: WireRequest, signal: Ending): Promise<WireAnswer> {
    const { frames, http, clock } = this.#options
    const { id, address } = target
    if (isFrames(address)) return frames.send(target, request, signal)
    if (target.frames === undefined) return http.send(target, request, signal)
    const until = this.#avoided.get(id)
    if (until !== undefined && until > clock.monotonic()) return http.send(target, request, signal)
    return frames.send({ id, address: target.frames }, request, signal).catch((error: unknown) => {
      // What never reached a handler goes the other way, as if it had been the first.
      if (!(error instanceof Lost) || error.how !== 'connect' || signal.aborted) throw error
      this.#avoided.set(id, clock.monotonic() + avoidMs)
      return http.send(target, request, signal)
    })
  }

  keepOnly(targets: readonly Target[]): void {
    const ids = new Set(targets.map(({ id }) => id))
    for (const id of this.#avoided.keys()) if (!ids.has(id)) this.#avoided.delete(id)
    this.#options.frames.keepOnly(targets)
    this.#options.http.keepOnly(targets)
  }

  async close(): Promise<void> {
    await Promise.all([this.#options.frames.close(), this.#options.http.close()])
  }
}

const isFrames = (address: string): boolean => address.startsWith('tcp:') || address.startsWith('tls:')
