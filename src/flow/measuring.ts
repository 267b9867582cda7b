import { primaryKeys } from '../independence/measure/keys.ts'
import { foldOldestHour, putSeconds } from '../independence/measure/records.ts'
import { Sampler, type SamplerOptions } from '../independence/measure/sampler.ts'
import type { Store, StoreTx } from '../store/store.ts'
import type { Outcome, Work } from './state.ts'

const foldEveryMs = 60_000

/** The measure of independence within a processor: what it is told, and when its counts go to the store. */
export class Measuring {
  readonly sampler: Sampler
  readonly #options: SamplerOptions
  #nextFold = 0

  constructor(options: SamplerOptions) {
    this.#options = options
    this.sampler = new Sampler(options)
  }

  /** Learns which columns identify the rows of the service's tables. */
  async begin(store: Store): Promise<void> {
    this.sampler.learn(await store.read(primaryKeys))
  }

  /** What became of an event is on disk. */
  settled(work: Work, outcome: Outcome): void {
    const failed = failedBy(outcome)
    if (failed === undefined) return
    const { id, key, attributes } = work.delivery.record
    this.sampler.end(work, { kind: kindOf(work), key, correlation: String(attributes?.correlationid ?? id) }, failed)
  }

  /** These run again because of another transaction, while those were in flight. */
  conflicted(again: Iterable<Work>, inFlight: Iterable<Work>): void {
    this.sampler.conflicted(kindsOf(again), kindsOf(inFlight))
  }

  /** Writes what was counted, and folds an hour that is over if this process is the `folder`. */
  async store(tx: StoreTx, folder: boolean, after: (() => void)[]): Promise<void> {
    const { clock } = this.#options
    this.sampler.look()
    await this.#put(tx, after)
    const now = clock.monotonic()
    if (!folder || now < this.#nextFold) return
    const folded = await foldOldestHour(tx, clock.wall())
    after.push(() => {
      this.#nextFold = folded ? now : now + foldEveryMs
    })
  }

  /** Writes what is left. */
  async end(tx: StoreTx, after: (() => void)[]): Promise<void> {
    this.sampler.finish()
    await this.#put(tx, after)
  }

  async #put(tx: StoreTx, after: (() => void)[]): Promise<void> {
    const { closed } = this.sampler
    await putSeconds(tx, this.#options.member, closed)
    after.push(() => this.sampler.stored(closed.length))
  }
}

/** Whether a try failed; undefined when it was none: a limit that held it back is not the handler's. */
function failedBy(outcome: Outcome): boolean | undefined {
  if (outcome.kind === 'handled') return false
  if (outcome.kind === 'dead') return true
  if (outcome.kind !== 'retry') return undefined
  return outcome.tries.history.at(-1)?.code === 'overloaded' ? undefined : true
}

const kindOf = ({ share, delivery }: Work): string =>
  `${share.reader.definition.name}/${delivery.stream}.${delivery.record.type}`

const kindsOf = (works: Iterable<Work>): Set<string> => new Set([...works].map(kindOf))
