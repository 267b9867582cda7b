import type { SkerryError } from '../../errors.ts'
import type { Clock, Timer } from '../../time.ts'
import { continues } from '../accept.ts'
import type { Batch } from '../bus.ts'
import { Queue } from '../queue.ts'
import { merged, refusalOf } from '../waiting.ts'
import { type Failure, toError } from './failures.ts'
import type { Failed } from './protocol.ts'

/** Characters of frames on the way to the writer. */
const windowSize = 8 * 1024 * 1024
/** Appends that arrive together and continue one another travel and are stored as one frame, up to this size. */
const mergeSize = 32 * 1024

interface Waiting {
  readonly batch: Batch
  readonly since: number
  readonly resolve: () => void
  readonly reject: (error: SkerryError) => void
}

interface Sent {
  readonly seq: number
  readonly size: number
  readonly since: number
  /** Emptied when they have been told. */
  waiting: readonly Waiting[]
}

export interface OutgoingOptions {
  readonly clock: Clock
  readonly file: string
  readonly post: (seq: number, batches: readonly Batch[]) => void
  /** Called when the first append starts to wait, and when the last one ends. */
  readonly onBusy: (busy: boolean) => void
  readonly timeoutMs: number
}

/** Appends on their way: gathered within one turn of the event loop, sent within a window, settled in order. */
export class Outgoing {
  readonly #options: OutgoingOptions
  #queue = new Queue<Waiting>()
  #queued = 0
  #sent = new Queue<Sent>()
  #inFlight = 0
  #seq = 1
  #pending = 0
  #scheduled = false
  #silentSince: number | undefined
  #timer: Timer | undefined
  #idle: (() => void)[] = []

  constructor(options: OutgoingOptions) {
    this.#options = options
  }

  append(batch: Batch): Promise<void> {
    const refusal = refusalOf(batch, { queued: this.#queued, pending: this.#pending }, this.#options.file)
    if (refusal) return Promise.reject(refusal)
    return new Promise((resolve, reject) => {
      this.#queue.push({ batch, since: this.#silentSince === undefined ? 0 : this.#now(), resolve, reject })
      this.#queued += batch.frame.length
      if (this.#pending++ === 0) this.#options.onBusy(true)
      this.#schedule()
    })
  }

  settle(acked: number, failed: readonly Failed[]): void {
    for (;;) {
      const sent = this.#sent.peek()
      if (!sent || sent.seq > acked) break
      this.#sent.shift()
      this.#inFlight -= sent.size
      const failure = failed.length > 0 ? failed.find((f) => f.seq === sent.seq)?.failure : undefined
      this.#tell(sent.waiting, failure)
    }
    if (this.#queue.length > 0) this.#schedule()
  }

  /** While the writer is silent, appends wait, each for at most the time-out. */
  silence(silent: boolean): void {
    if (!silent) {
      this.#silentSince = undefined
      this.#timer?.cancel()
      this.#timer = undefined
      return
    }
    if (this.#silentSince !== undefined) return
    this.#silentSince = this.#now()
    this.#watch()
  }

  /** Resolves when nothing is waiting. */
  drained(): Promise<void> {
    if (this.#pending === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  fail(failure: Failure): void {
    this.#rejectOlder(Number.POSITIVE_INFINITY, failure)
    this.#timer?.cancel()
  }

  /** After whatever is running now and all that it resolves: what is appended meanwhile goes in one message. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    process.nextTick(() => {
      this.#scheduled = false
      this.#flush()
    })
  }

  #flush(): void {
    const batches: Batch[] = []
    const first = this.#seq
    while (this.#inFlight < windowSize) {
      const waiting = this.#takeRun()
      if (!waiting) break
      const batch = merged(waiting)
      batches.push(batch)
      this.#sent.push({ seq: this.#seq++, size: batch.frame.length, since: (waiting[0] as Waiting).since, waiting })
      this.#inFlight += batch.frame.length
      this.#queued -= batch.frame.length
    }
    if (batches.length > 0) this.#options.post(first, batches)
  }

  #takeRun(): Waiting[] | undefined {
    let last = this.#queue.shift()
    if (!last) return undefined
    const run = [last]
    let size = last.batch.frame.length
    for (;;) {
      const next = this.#queue.peek()
      if (!next || size + next.batch.frame.length > mergeSize || !continues(last.batch, next.batch)) return run
      this.#queue.shift()
      run.push(next)
      size += next.batch.frame.length
      last = next
    }
  }

  #tell(waiting: readonly Waiting[], failure: Failure | undefined): void {
    for (const { resolve, reject } of waiting) {
      if (failure) reject(toError(failure))
      else resolve()
    }
    this.#ended(waiting.length)
  }

  #ended(count: number): void {
    if (count === 0) return
    this.#pending -= count
    if (this.#pending > 0) return
    this.#options.onBusy(false)
    for (const resolve of this.#idle) resolve()
    this.#idle = []
  }

  #watch(): void {
    const { clock, timeoutMs, file } = this.#options
    this.#timer = clock.after(
      Math.max(10, timeoutMs / 10),
      () => {
        const since = Math.min(this.#now() - timeoutMs, Number.MAX_SAFE_INTEGER)
        if ((this.#silentSince ?? Number.POSITIVE_INFINITY) <= since)
          this.#rejectOlder(since, {
            code: 'unavailable',
            message: `${file}: no process has been able to write for ${timeoutMs} ms; end the writer that is stuck (\`status\` names it)`,
            retryAfterMs: 1000,
          })
        this.#watch()
      },
      { background: true },
    )
  }

  #rejectOlder(since: number, failure: Failure): void {
    for (const sent of this.#sent) {
      if (sent.since > since) break
      const { waiting } = sent
      sent.waiting = []
      this.#tell(waiting, failure)
    }
    for (;;) {
      const next = this.#queue.peek()
      if (!next || next.since > since) return
      this.#queue.shift()
      this.#queued -= next.batch.frame.length
      this.#tell([next], failure)
    }
  }

  #now(): number {
    return this.#options.clock.monotonic()
  }
}
