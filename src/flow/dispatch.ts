import { codeOf, SkerryError } from '../errors.ts'
import type { Sampler } from '../independence/measure/sampler.ts'
import type { Store } from '../store/store.ts'
import type { Clock } from '../time.ts'
import type { Caller } from './calling.ts'
import { afterTime, circuitRoom } from './circuit.ts'
import { mustWait, placeOf, weightOf, workKey } from './places.ts'
import { prepare } from './prepare.ts'
import { type Bucket, fullBucket, type RateLimit, refill, take } from './rate.ts'
import type { Outcome, Reader, Share, Stage, Work } from './state.ts'

/**
 * Which works may start, and in which order: the queues of a processor. Pure bookkeeping in memory, but for `prepare`
 * steps, which it starts and whose ends it reports.
 */
export class Dispatch {
  readonly #store: Store
  readonly #clock: Clock
  /** Called when a prepare step ended. */
  readonly #wake: () => void
  readonly #caller: Caller
  readonly #sampler: Sampler | undefined
  /** Works that must run singly, in order; while there are any, nothing else runs. */
  alone: Work[] = []
  /** Monotonic time at which a rate limit or an open circuit lets something start again. */
  nextStart = Number.POSITIVE_INFINITY
  #mostBuckets = 10_000

  constructor(store: Store, clock: Clock, wake: () => void, caller: Caller, sampler?: Sampler) {
    this.#store = store
    this.#clock = clock
    this.#wake = wake
    this.#caller = caller
    this.#sampler = sampler
  }

  admit(work: Work): void {
    const { reader } = work.share
    const { kind } = work.task
    // The others wait for nobody, and nobody waits for them.
    if (reader.chained && (kind === 'handle' || kind === 'unknown')) {
      const chain = reader.chains.get(workKey(work))
      if (chain) chain.push(work)
      else reader.chains.set(workKey(work), [work])
      if (chain && chain.length > reader.perKey) return
    }
    this.#start(work)
  }

  #start(work: Work): void {
    const { reader } = work.share
    if (work.alone) this.alone.push(work)
    else if (work.task.kind === 'handle' && work.task.handler.prepare) reader.queued.push(work)
    else {
      work.stage = { at: 'ready', prepared: undefined }
      reader.ready.push(work)
    }
  }

  /** Starts prepare steps as limits, circuit and rate allow. */
  startPrepares(reader: Reader): void {
    const { queued } = reader
    for (let i = 0; i < queued.length && reader.preparing < reader.concurrency; ) {
      const work = queued[i] as Work
      const type = work.delivery.record.type
      if ((reader.preparingByType.get(type) ?? 0) >= reader.perType) i++
      else if (!this.#mayStart(reader, work, 0)) return
      else {
        queued.splice(i, 1)
        if (work.stage.at === 'failed') reader.ready.push(work)
        else void this.runPrepare(work)
      }
    }
  }

  /** Runs a prepare step; its work is ready, or failed, afterwards. Never rejects. */
  async runPrepare(work: Work): Promise<void> {
    const { reader } = work.share
    const type = work.delivery.record.type
    const abort = new AbortController()
    work.stage = { at: 'preparing', abort }
    this.#preparing(reader, type, 1)
    const stage = await prepare(this.#store, this.#clock, work, abort.signal, this.#caller, this.#sampler).then(
      (prepared): Stage => ({ at: 'ready', prepared }),
      (error: unknown): Stage => ({ at: 'failed', error }),
    )
    this.#preparing(reader, type, -1)
    // Dropped meanwhile: what it found out is nobody's any more.
    if (abort.signal.aborted) return
    work.stage = stage
    if (!work.alone) reader.ready.push(work)
    this.#wake()
  }

  #preparing(reader: Reader, type: string, by: number): void {
    reader.preparing += by
    reader.preparingByType.set(type, (reader.preparingByType.get(type) ?? 0) + by)
  }

  /** Asks circuit and rates; takes a token when the answer is yes. `taken` are under way already in this batch. */
  #mayStart(reader: Reader, work: Work, taken: number): boolean {
    const now = this.#clock.monotonic()
    reader.circuit = afterTime(reader.circuit, now)
    if (reader.circuit.state !== 'closed' && circuitRoom(reader.circuit, taken + underWay(reader)) < 1) {
      if (reader.circuit.state === 'open') this.nextStart = Math.min(this.nextStart, reader.circuit.until)
      return false
    }
    const limit = reader.definition.options.rate
    const bucket = reader.bucketNow(now)
    if (limit && bucket) {
      const taken = take(bucket, limit, now)
      reader.bucket = taken.bucket
      if (taken.waitMs > 0) {
        this.nextStart = Math.min(this.nextStart, now + taken.waitMs)
        return false
      }
    }
    this.#limitKey(reader, work, now)
    return true
  }

  /** A key beyond its rate is tried again when it has a token, uncharged; others go on. */
  #limitKey(reader: Reader, work: Work, now: number): void {
    const limit = reader.definition.options.perKey?.rate
    if (!limit) return
    const key = workKey(work)
    const taken = take(reader.keyBuckets.get(key) ?? fullBucket(limit, now), limit, now)
    reader.keyBuckets.set(key, taken.bucket)
    if (reader.keyBuckets.size > this.#mostBuckets) {
      forgetFull(reader.keyBuckets, limit, now)
      this.#mostBuckets = Math.max(10_000, reader.keyBuckets.size * 2)
    }
    if (taken.waitMs > 0) {
      work.stage = {
        at: 'failed',
        error: new SkerryError('overloaded', `${reader.id}: rate limit of key '${work.delivery.record.key}'`, {
          retryAfterMs: Math.ceil(taken.waitMs),
        }),
      }
    }
  }

  /** True when a prepared work waits for its transaction. */
  hasPrepared(readers: readonly Reader[]): boolean {
    return readers.some((reader) => !reader.paused && reader.ready.some(isPrepared))
  }

  /** The works of the next transaction, at most `limit`, in turn from every reader. */
  takeBatch(readers: readonly Reader[], limit: number): Work[] {
    const batch: Work[] = []
    const hungry = readers.filter((reader) => reader.ready.length > 0 && !reader.paused)
    for (const [index, reader] of hungry.entries()) {
      const quota = Math.ceil((limit - batch.length) / (hungry.length - index))
      this.#takeFrom(reader, quota, batch)
    }
    return batch
  }

  #takeFrom(reader: Reader, quota: number, batch: Work[]): void {
    const gated =
      reader.circuit.state !== 'closed' || reader.definition.options.rate || reader.definition.options.perKey?.rate
    if (!gated) {
      for (const work of reader.ready.splice(0, quota)) batch.push(work)
      return
    }
    let taken = 0
    while (taken < quota && reader.ready.length > 0) {
      const work = reader.ready[0] as Work
      // A prepared work passed the gate before it was prepared.
      const first = work.task.kind === 'handle' && !work.task.handler.prepare
      if (first && !this.#mayStart(reader, work, taken)) return
      reader.ready.shift()
      batch.push(work)
      taken++
    }
  }

  /** A work has an outcome on disk: it leaves, and what stood behind it may start. */
  finish(work: Work, outcome: Outcome): void {
    const { reader } = work.share
    work.stage = { at: 'done' }
    this.#leave(work)
    if (reader.ordered && outcome.kind !== 'diverted') {
      const key = work.share.waiting.get(workKey(work))
      if (key && key.state !== 'released') this.#divert(work.share, workKey(work), key.first)
    }
    if (reader.chained) this.#advanceChain(reader, work)
  }

  #leave(work: Work): void {
    const { reader } = work.share
    if (!reader.works.delete(work)) return
    reader.bytes -= weightOf(work.delivery.record)
    if (work.origin === 'exception') work.share.fetched.delete(placeOf(work))
  }

  #advanceChain(reader: Reader, done: Work): void {
    const key = workKey(done)
    const chain = reader.chains.get(key)
    const at = chain?.indexOf(done) ?? -1
    if (!chain || at < 0) return
    chain.splice(at, 1)
    if (chain.length === 0) reader.chains.delete(key)
    const next = chain[reader.perKey - 1]
    if (next && next.stage.at === 'queued') this.#start(next)
  }

  /** The key came into trouble: those of its events that stand in line behind it wait on disk, not here. */
  #divert(share: Share, key: string, first: number): void {
    const waits = (work: Work): boolean => work.share === share && mustWait(work, first) && workKey(work) === key
    const leave = (work: Work): void => {
      if (work.stage.at === 'preparing') work.stage.abort.abort()
      share.cursors.get(work.delivery.stream)?.open.delete(work.delivery.position)
      this.#leave(work)
      work.stage = { at: 'done' }
    }
    this.#remove(share.reader, waits, leave)
  }

  /** Drops everything of a share that ended. */
  drop(share: Share): void {
    share.lost = true
    const { reader } = share
    reader.shares = reader.shares.filter((other) => other !== share)
    this.#remove(
      reader,
      (work) => work.share === share,
      (work) => {
        if (work.stage.at === 'preparing') work.stage.abort.abort()
        this.#leave(work)
        work.stage = { at: 'done' }
      },
    )
  }

  #remove(reader: Reader, which: (work: Work) => boolean, leave: (work: Work) => void): void {
    const gone = new Set<Work>()
    for (const work of reader.works) if (which(work)) gone.add(work)
    if (gone.size === 0) return
    reader.ready = reader.ready.filter((work) => !gone.has(work))
    reader.queued.splice(0, reader.queued.length, ...reader.queued.filter((work) => !gone.has(work)))
    this.alone = this.alone.filter((work) => !gone.has(work))
    for (const work of gone) leave(work)
    for (const key of new Set([...gone].map(workKey))) {
      const left = reader.chains.get(key)?.filter((work) => !gone.has(work)) ?? []
      if (left.length === 0) reader.chains.delete(key)
      else this.#rechain(reader, key, left)
    }
  }

  /** Those that stood behind a dropped work move up. */
  #rechain(reader: Reader, key: string, chain: Work[]): void {
    reader.chains.set(key, chain)
    const held = (work: Work): boolean => !reader.queued.includes(work) && !this.alone.includes(work)
    for (const work of chain.slice(0, reader.perKey)) if (work.stage.at === 'queued' && held(work)) this.#start(work)
  }

  /** Works whose batch did not come about go back to where they were, first in line. */
  putBack(works: readonly Work[]): void {
    const alone = works.filter((work) => work.alone && work.stage.at !== 'done')
    this.alone.unshift(...alone)
    for (let i = works.length - 1; i >= 0; i--) {
      const work = works[i] as Work
      if (!work.alone && work.stage.at !== 'done') work.share.reader.ready.unshift(work)
    }
  }
}

/** Handlers whose outcome is still to come: in `prepare`, or waiting for their transaction after it. */
const underWay = (reader: Reader): number => reader.preparing + reader.ready.filter(isPrepared).length

const isPrepared = ({ task }: Work): boolean => task.kind === 'handle' && task.handler.prepare !== undefined

/** A bucket that is full again is as good as none. */
function forgetFull(buckets: Map<string, Bucket>, limit: RateLimit, now: number): void {
  for (const [key, bucket] of buckets) if (refill(bucket, limit, now).tokens >= limit.events) buckets.delete(key)
}

/** True for an error that says to wait for the bus rather than to try the events again. */
export const waitsForBus = (error: unknown): boolean => codeOf(error) === 'overloaded'
