import type { Watcher } from '../../telemetry.ts'
import type { Clock } from '../../time.ts'
import type { ReaderStatus } from '../bus.ts'
import { JumpDetector } from '../jumps.ts'
import { isOutdated } from './failures.ts'
import type { Log, Tip } from './log.ts'
import { markOf, read, sequenceOf, write } from './message.ts'
import type { Registry } from './registry.ts'
import { addTo, bytesLeft, copyOf, counted, type Tallies, type Tally } from './tally.ts'
import type { Terms } from './terms.ts'

export interface RetentionRules {
  /** What is older goes; Infinity keeps it. */
  readonly ageMs: number
  /** The log keeps at least its newest events of this size; Infinity keeps all. */
  readonly bytes: number
  /** By size, so much goes at a time. */
  readonly segmentBytes: number
}

export interface RetentionOptions {
  readonly log: Log
  readonly terms: Terms
  readonly registry: Registry
  readonly tallies: Tallies
  readonly rules: RetentionRules
  readonly maxBytes: number | undefined
  readonly clock: Clock
  readonly watcher: Watcher
}

/** The last message of a producer among those that are to go. */
interface Last {
  readonly sequence: number
  readonly mark: number
  readonly home: string | undefined
  readonly move: number
}

/** Room that bookkeeping may take in a full log, for one producer. */
const markBytes = 4096

/** Drops the oldest part of the log, never what a registered reader has still to read. */
export class Retention {
  readonly #options: RetentionOptions
  readonly #jumps = new JumpDetector()

  constructor(options: RetentionOptions) {
    this.#options = options
    const { clock } = options
    this.#jumps.look(clock.wall(), clock.monotonic())
  }

  get clockJumps(): number {
    return this.#jumps.jumps
  }

  get wanted(): boolean {
    const { ageMs, bytes } = this.#options.rules
    return Number.isFinite(ageMs) || Number.isFinite(bytes)
  }

  async run(): Promise<void> {
    const { log, registry, tallies, rules, clock, watcher } = this.#options
    const jump = this.#jumps.look(clock.wall(), clock.monotonic())
    if (jump !== 0) watcher({ kind: 'clock_jump', byMs: jump })
    if (this.#jumps.suspended(clock.monotonic())) return
    const tip = await log.tip()
    const tally = await tallies.upTo(tip)
    const spare = bytesLeft(tally) - rules.bytes
    if (spare < rules.segmentBytes && !Number.isFinite(rules.ageMs)) return
    const floor = lowestOf(await registry.readers(), tip)
    const going = await this.#chosen(tip, tally, floor, spare)
    if (going) await this.#drop(going, tally)
  }

  /** What goes: from the beginning on, as long as the rules and the readers allow. */
  async #chosen(tip: Tip, { dropped }: Tally, floor: number, spare: number): Promise<Going | undefined> {
    const { log, rules, clock } = this.#options
    const before = clock.wall() - rules.ageMs
    const start = Math.max(dropped.upTo + 1, tip.first)
    const bySize = spare >= rules.segmentBytes
    let after = copyOf(dropped)
    let bytes = 0
    const lasts = new Map<string, Last>()
    await log.scan(
      'log',
      log.names.events,
      start,
      (message) => {
        const found = counted(message)
        if (!found) return true
        const allowed = found.at < before || (bySize && bytes + found.bytes <= spare)
        if (message.sequence >= floor || !allowed) return false
        bytes += found.bytes
        after = addTo(after, found)
        const label = read(message.message.headers)
        lasts.set(found.subject, {
          sequence: found.sequence,
          mark: markOf(label),
          home: label.home,
          move: label.move ?? 0,
        })
        return message.sequence < tip.last
      },
      { headersOnly: true },
    )
    return after.upTo >= start ? { dropped: after, lasts } : undefined
  }

  /**
   * What must outlive the messages goes first: marks of producers that have not written since, terms, the count. A crash
   * in between repeats some of it, harmlessly.
   */
  async #drop({ dropped, lasts }: Going, tally: Tally): Promise<void> {
    const { log, terms, tallies, maxBytes } = this.#options
    for (const [subject, last] of lasts) await this.#carry(subject, last)
    await terms.newest(await log.tip())
    await terms.keep(dropped.upTo + 1)
    if (!(await tallies.save({ ...tally, dropped }))) return
    await log.purge(dropped.upTo + 1)
    if (maxBytes !== undefined && (await log.tip()).limitBytes > maxBytes) await log.resize(maxBytes)
  }

  /** The mark of a producer moves to the end of the log, unless the producer has a later message there. */
  async #carry(subject: string, { sequence, mark, home, move }: Last): Promise<void> {
    const { log } = this.#options
    const label = write({ first: mark + 1, count: 0, home, move })
    try {
      await log.makingRoom(markBytes, () => log.put(subject, '', sequence, label))
    } catch (error) {
      if (!isOutdated(error)) throw error
    }
  }
}

interface Going {
  readonly dropped: Tally['dropped']
  readonly lasts: ReadonlyMap<string, Last>
}

function lowestOf(readers: readonly ReaderStatus[], tip: Tip): number {
  const marks = readers.flatMap((reader) => Object.values(reader.marks))
  return Math.min(tip.last + 1, ...marks.map(sequenceOf))
}
