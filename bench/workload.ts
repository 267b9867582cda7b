/** The work that every contender does: the same events, the same keys, the same unhealthy ones. Pure. */

export const PAYLOAD_BYTES = 256
export const KEYS = 1_000
export const SLOW_MS = 5_000

export interface Payload {
  readonly id: string
  readonly key: string
  readonly pad: string
}

export type Health = 'healthy' | 'poison' | 'slow'

/** The event with this number; its JSON is exactly 256 bytes long. */
export function payload(index: number): Payload {
  const bare = { id: eventId(index), key: keyOf(index) }
  const pad = 'x'.repeat(PAYLOAD_BYTES - JSON.stringify({ ...bare, pad: '' }).length)
  return { ...bare, pad }
}

/** What handling an event emits: the same size, an id of its own. */
export function emitted(payload: Payload): Payload {
  return { ...payload, id: `o${payload.id.slice(1)}` }
}

export function eventId(index: number): string {
  return `e${String(index).padStart(9, '0')}`
}

export function indexOf(id: string): number {
  return Number(id.slice(1))
}

export function keyOf(index: number): string {
  // A stride that shares no factor with the number of keys visits all of them before it repeats one.
  return `k${String((index * 617) % KEYS).padStart(4, '0')}`
}

/** 1 % poison and 0.1 % slow, spread evenly; the same events in every run. */
export function healthOf(index: number): Health {
  if (index % 1_000 === 253) return 'slow'
  return index % 100 === 37 ? 'poison' : 'healthy'
}

export class PoisonError extends Error {
  override readonly name = 'PoisonError'
}

/** Counts by id how often each event took effect, so that losses and duplicates are counted, not assumed. */
export class Tally {
  readonly #seen: Uint8Array
  /** How many different events took effect. */
  distinct = 0

  constructor(events: number) {
    this.#seen = new Uint8Array(events)
  }

  add(index: number): void {
    if (!this.has(index)) this.distinct++
    this.#seen[index] = Math.min((this.#seen[index] ?? 0) + 1, 255)
  }

  has(index: number): boolean {
    return (this.#seen[index] ?? 0) > 0
  }

  /** Over the events that `expected` accepts; all by default. */
  count(expected: (index: number) => boolean = () => true): { lost: number; duplicates: number } {
    let lost = 0
    let duplicates = 0
    for (const [index, times] of this.#seen.entries()) {
      if (!expected(index)) continue
      if (times === 0) lost++
      else duplicates += times - 1
    }
    return { lost, duplicates }
  }
}
