import { seededRandom } from '../../ids.ts'
import { VirtualClock } from '../../time.ts'
import type { Discovery, Update } from '../discovery.ts'
import type { Endpoint } from '../endpoint.ts'
import type { Ending, Target, Transport, WireAnswer, WireRequest } from '../transport.ts'
import { MeshClient, type MeshClientOptions } from './client.ts'

/** A discovery that says what it is told to. */
export class ToldDiscovery implements Discovery {
  readonly #updates = new Map<string, Set<Update>>()
  readonly #known = new Map<string, readonly Endpoint[]>()

  say(service: string, endpoints: readonly Endpoint[]): void {
    this.#known.set(service, endpoints)
    for (const update of this.#updates.get(service) ?? []) update(endpoints, { freshness: 'live' })
  }

  watch(service: string, update: Update): () => void {
    const updates = this.#updates.get(service) ?? new Set()
    this.#updates.set(service, updates.add(update))
    const known = this.#known.get(service)
    if (known) queueMicrotask(() => updates.has(update) && update(known, { freshness: 'live' }))
    return () => updates.delete(update)
  }

  async close(): Promise<void> {}
}

export type Answers = (target: Target, request: WireRequest, signal: Ending) => Promise<WireAnswer>

/** A transport that answers as a test says, and remembers what was sent. */
export class ToldTransport implements Transport {
  readonly sent: { id: string; request: WireRequest; signal: Ending }[] = []
  answers: Answers = async () => ok()
  kept: readonly Target[] = []

  send(target: Target, request: WireRequest, signal: Ending): Promise<WireAnswer> {
    this.sent.push({ id: target.id, request, signal })
    const aborted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    return Promise.race([this.answers(target, request, signal), aborted])
  }

  keepOnly(targets: readonly Target[]): void {
    this.kept = targets
  }

  async close(): Promise<void> {}
}

export const ok = (headers: Readonly<Record<string, string>> = {}): WireAnswer => status(200, headers)

export function status(code: number, headers: Readonly<Record<string, string>> = {}): WireAnswer {
  return { status: code, headers, body: new Uint8Array() }
}

export const endpoints = (...ids: string[]): Endpoint[] =>
  ids.map((id) => ({ id, address: `http://${id}`, labels: {}, weight: 1 }))

export function meshed(options: Partial<MeshClientOptions> = {}) {
  const [clock, discovery, transport] = [new VirtualClock(0), new ToldDiscovery(), new ToldTransport()]
  const random = seededRandom('mesh client')
  const client = new MeshClient({ clock, discovery, transport, random, ...options })
  return { clock, discovery, transport, client }
}

/** Lets virtual time pass until it is settled; gives what it settled with. */
export async function passing<T>(clock: VirtualClock, promise: Promise<T>, stepMs = 10): Promise<T> {
  let over = false
  const settled = promise.finally(() => (over = true))
  settled.catch(() => {})
  while (!over) await clock.advance(stepMs)
  return settled
}
