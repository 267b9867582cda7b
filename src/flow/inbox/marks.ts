import type { Parcel } from '../../bus/bus.ts'
import { laneCount } from '../../keys.ts'

/** How far a producer's events in one stream have arrived: the highest number, in all and by lane. */
export interface Mark {
  readonly number: number
  /** Absent for a producer whose events all come by one source, in order. */
  readonly lanes?: readonly number[]
}

export interface Judged {
  /** Which events of the parcel are new. */
  readonly fresh: readonly boolean[]
  readonly mark: Mark
  /** Numbers that should have come before this parcel and have not, first and last. */
  readonly missing?: readonly [from: number, to: number]
}

/**
 * Which events of a parcel have not arrived before: those numbered above the mark of their lane. Invariant: within a lane
 * events come in the order of their numbers, however often, so that a number below the mark came already.
 */
export function judge(mark: Mark | undefined, parcel: Pick<Parcel, 'numbers' | 'lanes' | 'after'>): Judged {
  const { numbers, lanes, after = 0 } = parcel
  if (!lanes) {
    const had = mark?.number ?? 0
    const number = Math.max(had, numbers.at(-1) ?? 0)
    const fresh = numbers.map((one) => one > had)
    // Of a producer that is heard for the first time nobody knows where it was when the consumer began.
    const missing = mark && after > had ? ([had + 1, after] as const) : undefined
    return { fresh, mark: { ...mark, number }, ...(missing && { missing }) }
  }
  const reached = mark?.lanes ? [...mark.lanes] : Array<number>(laneCount).fill(mark?.number ?? 0)
  const fresh = numbers.map((number, i) => {
    const lane = lanes[i] as number
    if (number <= (reached[lane] as number)) return false
    reached[lane] = number
    return true
  })
  return { fresh, mark: { number: Math.max(mark?.number ?? 0, ...reached), lanes: reached } }
}

/**
 * Producers without a name of their own never come back under the one they had. They are forgotten when nothing has been
 * heard of them for so long, in milliseconds: an event of theirs that an engine hands out a second time after that would be
 * taken for a new one.
 */
export const anonymousHorizonMs = 14 * 24 * 3600 * 1000

/** What names of such producers begin with. */
export const anonymous = 'publisher '
