/**
 * Time is an input. Everything that waits or stamps takes a `Clock`; this file is the only one that touches the
 * machine's. Leases, budgets and retries use `monotonic` (it never jumps); delays and retention use `wall`.
 */
export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Milliseconds since 1970-01-01 UTC; may jump. */
  wall(): number
  /** Milliseconds since this machine booted, the same for every process on it; never jumps. */
  monotonic(): number
  /** Calls `run` once, `ms` from now; an armed timer keeps a process alive unless `background`. */
  after(ms: number, run: () => void, options?: { background?: boolean }): Timer
}

const longestTimeout = 2 ** 31 - 1

export const systemClock: Clock = {
  wall: () => Date.now(),
  monotonic: () => Number(process.hrtime.bigint()) / 1e6,
  after(ms, run, options) {
    const timer = setTimeout(run, Math.min(Math.max(0, ms), longestTimeout))
    if (options?.background) timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
}

/** Resolves after `ms`, or as soon as `signal` aborts. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const timer = clock.after(ms, end)
    signal?.addEventListener('abort', end)
    function end(): void {
      timer.cancel()
      signal?.removeEventListener('abort', end)
      resolve()
    }
  })
}

/** Waits for a promise, but at most `ms`; resolves with whether it came in time. No timer stays behind. */
export async function inTime(clock: Clock, ms: number, promise: Promise<unknown>): Promise<boolean> {
  const giveUp = new AbortController()
  try {
    const late = pause(clock, Math.max(0, ms), giveUp.signal).then(() => false)
    return await Promise.race([promise.then(() => true), late])
  } finally {
    giveUp.abort()
  }
}

interface Armed {
  at: number
  order: number
  run: () => void
}

/** A clock that moves only when told to: timers fire in order of due time, then of arming. */
export class VirtualClock implements Clock {
  #monotonic = 0
  #wall: number
  #armed = new Set<Armed>()
  #order = 0
  #holds = 0
  #held: (() => void)[] = []

  constructor(startWall = 1_750_000_000_000) {
    this.#wall = startWall
  }

  wall(): number {
    return this.#wall
  }

  monotonic(): number {
    return this.#monotonic
  }

  after(ms: number, run: () => void): Timer {
    const timer: Armed = { at: this.#monotonic + Math.max(0, ms), order: this.#order++, run }
    this.#armed.add(timer)
    return { cancel: () => void this.#armed.delete(timer) }
  }

  /** Moves wall time alone, as an operator or NTP would. */
  jump(ms: number): void {
    this.#wall += ms
  }

  /** Time stands still until the returned function is called: what is at the other end of a wire takes real time only. */
  hold(): () => void {
    this.#holds++
    let held = true
    return () => {
      if (held && --this.#holds === 0) for (const goOn of this.#held.splice(0)) goOn()
      held = false
    }
  }

  /** Moves both times on, firing what falls due; promise reactions run between two timers. */
  async advance(ms: number): Promise<void> {
    const end = this.#monotonic + ms
    for (;;) {
      do await breathe()
      while (await this.#waited())
      const due = [...this.#armed].filter((t) => t.at <= end).sort((a, b) => a.at - b.at || a.order - b.order)[0]
      if (!due) break
      this.#moveTo(due.at)
      this.#armed.delete(due)
      due.run()
    }
    this.#moveTo(end)
    await breathe()
  }

  /** True when somebody held time: what they did may have set off more. */
  async #waited(): Promise<boolean> {
    if (this.#holds === 0) return false
    await new Promise<void>((goOn) => this.#held.push(goOn))
    return true
  }

  get pending(): number {
    return this.#armed.size
  }

  #moveTo(at: number): void {
    this.#wall += at - this.#monotonic
    this.#monotonic = at
  }
}

/** Lets everything else that is ready run first: reactions of promises, timers that are due, input and output. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
