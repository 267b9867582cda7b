import type { Delivery } from '../event.ts'
import type { Chunk, Credit } from './bus.ts'

export type Piece = Omit<Chunk, 'term'>

/**
 * Decoded events of one stream from `from` to before `until`, without exception: what is not here is not in the stream.
 * Several subscriptions at about the same place share one read and one decoding.
 */
interface Window {
  readonly stream: string
  from: number
  until: number
  events: Delivery[]
  weight: number
}

/** Characters kept in all, in one window, and how many windows: bounded memory, whatever the backlog. */
const largestWindow = 1024 * 1024
const mostWindows = 8

export const weigh = ({ record }: Delivery): number => record.data.length + record.key.length + 160

export class Cache {
  /** The least recently used first. */
  #windows: Window[] = []

  /** Events from a window that holds `from`; undefined when none does, or when it ends there. */
  read(stream: string, from: number, credit: Credit): Piece | undefined {
    const at = this.#windows.findIndex((w) => w.stream === stream && w.from <= from && from < w.until)
    const window = this.#windows[at]
    if (!window) return undefined
    this.#windows.splice(at, 1)
    this.#windows.push(window)
    return cut(window, from, credit)
  }

  /** The end of a window that ends between two positions, from which `add` can go on; undefined when there is none. */
  reach(stream: string, from: number, until: number): number | undefined {
    return this.#windows.find((w) => w.stream === stream && w.until >= from && w.until < until)?.until
  }

  /** Keeps what was read from the log between two positions, joining it to the window that ended there. */
  add(stream: string, from: number, until: number, events: Delivery[]): void {
    if (until <= from) return
    const weight = events.reduce((sum, event) => sum + weigh(event), 0)
    const window = this.#windows.find((w) => w.stream === stream && w.until === from)
    if (!window) {
      this.#windows.push({ stream, from, until, events: [...events], weight })
      if (this.#windows.length > mostWindows) this.#windows.shift()
      return
    }
    for (const event of events) window.events.push(event)
    window.until = until
    window.weight += weight
    if (window.weight > largestWindow) trim(window)
  }
}

/** Drops the older half, in weight, at the cost of one copy for every half window. */
function trim(window: Window): void {
  let keep = 0
  let weight = window.weight
  while (weight > largestWindow / 2 && keep < window.events.length - 1)
    weight -= weigh(window.events[keep++] as Delivery)
  window.events = window.events.slice(keep)
  window.weight = weight
  window.from = window.events[0]?.position ?? window.until
}

/** As much of some events, which are all that there are up to `until`, as a credit allows. */
export function cut({ events, until }: Pick<Window, 'events' | 'until'>, from: number, credit: Credit): Piece {
  const start = lowerBound(events, from)
  let end = start
  let bytes = 0
  while (end < events.length && end - start < credit.events) {
    bytes += weigh(events[end] as Delivery)
    // One event is always given: a credit smaller than it would wait for ever.
    if (bytes > credit.bytes && end > start) break
    end++
  }
  const all = end === events.length
  const chosen = events.slice(start, end)
  const last = chosen.at(-1)
  return { events: chosen, next: all ? until : last ? last.position + 1 : from }
}

function lowerBound(events: readonly Delivery[], position: number): number {
  let low = 0
  let high = events.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((events[middle] as Delivery).position < position) low = middle + 1
    else high = middle
  }
  return low
}
