import { type Clock, pause, type Timer } from '../../time.ts'
import type { Seen } from './probe.ts'

export interface Watched {
  /** Machine time: what is measured is the wire. */
  readonly clock: Clock
  /** Longest wait for an answer, in milliseconds. */
  readonly answerMs: number
  /** Without an answer for so long, somebody looks what the server does; then again after twice as long each time. */
  readonly quietMs: number
  /** What the server is seen to do with the question, over another connection. Never rejects. */
  readonly look: () => Promise<Seen>
  /** Bytes that have come so far. */
  readonly heard: () => number
  readonly lost: (why: string) => void
}

/** An answer may be on its way while somebody looks. */
const graceMs = 500

/**
 * Notices that an answer will never come. Networks that swallow everything say nothing, and a statement may be slow for good
 * reasons; so a connection is given up early only when the server is seen to be done with the question, and not a byte came since
 * before that. When nobody can look, it is waited for as long as `answerMs`.
 */
export class Watchdog {
  readonly #watched: Watched
  #timer: Timer | undefined
  /** Since when an answer is waited for; another object for each question. */
  #asked: { readonly at: number; quietMs: number } | undefined
  #looking = false

  constructor(watched: Watched) {
    this.#watched = watched
  }

  asked(): void {
    const { clock, quietMs } = this.#watched
    this.#asked = { at: clock.monotonic(), quietMs }
    // One timer for all: most answers come long before it would fire.
    if (!this.#timer && !this.#looking) this.#arm(quietMs)
  }

  answered(): void {
    this.#asked = undefined
  }

  stop(): void {
    this.#asked = undefined
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #arm(quietMs: number): void {
    const { clock, answerMs } = this.#watched
    const { at = 0 } = this.#asked ?? {}
    const ms = Math.min(at + quietMs, at + answerMs) - clock.monotonic()
    this.#timer = clock.after(ms, () => void this.#bark(), { background: true })
  }

  async #bark(): Promise<void> {
    this.#timer = undefined
    const asked = this.#asked
    if (!asked) return
    const { clock, answerMs, lost } = this.#watched
    const waited = clock.monotonic() - asked.at
    if (waited >= answerMs) return lost(`no answer for ${answerMs} ms`)
    if (waited >= asked.quietMs) {
      this.#looking = true
      const gone = await this.#isGone(asked)
      this.#looking = false
      if (gone && this.#asked === asked) return lost('the server has answered, and the answer does not come')
      asked.quietMs = 2 * (clock.monotonic() - asked.at)
    }
    if (this.#asked) this.#arm(this.#asked.quietMs)
  }

  async #isGone(asked: object): Promise<boolean> {
    const { clock, look, heard } = this.#watched
    const before = heard()
    if ((await look()) !== 'done' || this.#asked !== asked) return false
    await pause(clock, graceMs)
    // A thread that was blocked runs timers before it reads what lies there.
    for (let turns = 0; turns < 2; turns++) await new Promise((resolve) => setImmediate(resolve))
    return heard() === before
  }
}
