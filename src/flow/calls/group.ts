import { codeOf, isEnvironmental } from '../../errors.ts'
import type { EventRecord } from '../../event.ts'
import type { Store, StoreTx, WriteMode } from '../../store/store.ts'
import { breathe } from '../../time.ts'
import { batchLimit } from '../batch.ts'
import type { Emissions } from '../emissions.ts'
import { type Emitted, numbersAtCommit, putOutbox } from '../outbox.ts'
import type { Room } from '../room.ts'
import { attemptCall, type CallEnvironment, type CallWork, late, type Outcome } from './attempt.ts'

export interface GroupOptions extends CallEnvironment {
  readonly store: Store
  readonly room: Room
  readonly emissions: Emissions
}

interface Waiting {
  readonly work: CallWork
  resolve(outcome: Outcome): void
}

interface Draft {
  readonly outcomes: Map<Waiting, Outcome>
  readonly records: EventRecord[]
  emitted: Emitted
}

/**
 * Group commit of calls: all that wait when a transaction begins share it, each under a savepoint of its own. The store's line
 * lets them in between two batches of events.
 */
export class CallGroup {
  readonly #options: GroupOptions
  #waiting: Waiting[] = []
  #draining = false

  constructor(options: GroupOptions) {
    this.#options = options
  }

  /** Resolves once the call's effects are on disk, or it has none: at its deadline when it has not begun by then. */
  run(work: CallWork): Promise<Outcome> {
    const { clock } = this.#options
    return new Promise((resolve) => {
      const timer = clock.after(work.deadline - clock.monotonic(), () => {
        if (!this.#waiting.includes(one)) return
        this.#waiting = this.#waiting.filter((other) => other !== one)
        one.resolve({ kind: 'failed', error: late(work) })
      })
      const one: Waiting = {
        work,
        resolve(outcome) {
          timer.cancel()
          resolve(outcome)
        },
      }
      this.#waiting.push(one)
      if (!this.#draining) void this.#drain()
    })
  }

  async #drain(): Promise<void> {
    this.#draining = true
    const most = Math.min(batchLimit.events, this.#options.store.savepointLimit)
    while (this.#waiting.length > 0) {
      // A commit holds the event loop until it is on disk. What came by other connections meanwhile is read first, or each
      // call would have a commit, and a wait for the disk, of its own.
      await breathe()
      const taken: Waiting[] = []
      const take = (): Waiting[] => {
        if (taken.length === 0) taken.push(...this.#waiting.splice(0, most))
        return taken
      }
      try {
        await this.#commit(take, 'serial')
      } catch (error) {
        await this.#apart(take(), error)
      }
    }
    this.#draining = false
  }

  /** Commits what is there when the transaction begins. */
  async #commit(take: () => readonly Waiting[], mode: WriteMode): Promise<void> {
    const { store, room, emissions, watch } = this.#options
    await room.mustHaveSome(store)
    let draft: Draft
    try {
      draft = await store.write((tx) => this.#runIn(tx, take()), mode)
    } finally {
      watch.stop()
    }
    room.emitted(draft.records.length)
    emissions.handOn(draft.emitted)
    const taken = take()
    // Left for lack of time: they go first in the next one.
    this.#waiting.unshift(...taken.filter((one) => !draft.outcomes.has(one)))
    const alone = [...draft.outcomes].filter(([one, outcome]) => overran(one, outcome))
    for (const [one, outcome] of draft.outcomes) if (!overran(one, outcome)) one.resolve(outcome)
    for (const [one] of alone) {
      one.work.overran = true
      await this.#single(one, 'alone')
    }
  }

  async #runIn(tx: StoreTx, taken: readonly Waiting[]): Promise<Draft> {
    const { clock, room } = this.#options
    if (numbersAtCommit(tx)) await room.mustHaveSomeNow(tx)
    const draft: Draft = { outcomes: new Map(), records: [], emitted: undefined }
    const end = clock.monotonic() + batchLimit.handlerMs
    for (const one of taken) {
      if (draft.outcomes.size > 0 && clock.monotonic() > end) break
      draft.outcomes.set(one, await attemptCall(tx, one.work, this.#options, draft.records))
    }
    if (draft.records.length > 0) draft.emitted = await putOutbox(tx, draft.records)
    return draft
  }

  /** A transaction failed: with the machine, for all; through one of them, or through another process, each runs by itself. */
  async #apart(taken: readonly Waiting[], error: unknown): Promise<void> {
    const all = isEnvironmental(error) || codeOf(error) === 'overloaded'
    for (const one of taken) {
      if (all) one.resolve({ kind: 'failed', error })
      else if (taken.length > 1) await this.#single(one, 'serial')
      else if (codeOf(error) === 'conflict') await this.#single(one, 'alone')
      else one.resolve({ kind: 'failed', error })
    }
  }

  async #single(one: Waiting, mode: WriteMode): Promise<void> {
    try {
      await this.#commit(() => [one], mode)
    } catch (error) {
      if (codeOf(error) === 'conflict' && mode === 'serial') return this.#single(one, 'alone')
      one.resolve({ kind: 'failed', error })
    }
  }
}

const overran = ({ work }: Waiting, outcome: Outcome): boolean =>
  outcome.kind === 'failed' && codeOf(outcome.error) === 'budget_exceeded' && !work.overran
