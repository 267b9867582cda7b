import type { Store, WriteMode } from '../store/store.ts'
import type { Watcher } from '../telemetry.ts'
import { batchLimit } from './batch.ts'
import { afterCommit, afterConflict, type ConflictFigure, type Pace, withConflict } from './conflicts.ts'
import type { Measuring } from './measuring.ts'
import type { Outcome, Reader, Work } from './state.ts'
import { afterOutcomes, spoiled, trustful, trusts } from './trust.ts'

/**
 * How one processor's transactions get on, with those of others and with what is in them: how large they may be, whether they
 * have savepoints, and what was run again.
 */
export class Contention {
  readonly #service: string
  readonly #readers: readonly Reader[]
  readonly #watcher: Watcher
  readonly #measuring: Measuring | undefined
  readonly #savepoints: number
  #trust = trustful
  #pace: Pace = Number.POSITIVE_INFINITY
  #figures: readonly ConflictFigure[] = []

  constructor(service: string, store: Store, readers: readonly Reader[], watcher: Watcher, measuring?: Measuring) {
    this.#service = service
    this.#readers = readers
    this.#watcher = watcher
    this.#measuring = measuring
    this.#savepoints = store.savepointLimit
  }

  /** Most events in the next transaction. */
  get batchSize(): number {
    return Math.min(this.#pace, this.#most)
  }

  /** How the next transaction is to be. */
  get mode(): WriteMode {
    return trusts(this.#trust) ? 'whole' : 'serial'
  }

  get #most(): number {
    return trusts(this.#trust) ? batchLimit.events : Math.min(batchLimit.events, this.#savepoints)
  }

  get figures(): readonly ConflictFigure[] {
    return this.#figures
  }

  committed(outcomes: Iterable<Outcome>): void {
    this.#trust = afterOutcomes(this.#trust, outcomes)
    this.#pace = afterCommit(this.#pace, this.#most)
  }

  /** An event failed where there were no savepoints. */
  spoiled(): void {
    this.#trust = spoiled
  }

  /** These run again, since another transaction was in their way. */
  conflicted(works: readonly Work[]): void {
    const handled = ({ share, delivery }: Work) => ({ subscription: share.reader.id, type: delivery.record.type })
    const inFlight = this.#readers.flatMap((reader) => [...reader.works])
    this.#measuring?.conflicted(works, inFlight)
    this.#figures = withConflict(this.#figures, works.map(handled), inFlight.map(handled))
    this.#pace = afterConflict(works.length)
    this.#watcher({ kind: 'conflict', where: this.#service, events: works.length })
  }
}
