import { addStratum, addSums, noSums, type Sums, type Table } from './strata.ts'

/**
 * Widths of strata, in milliseconds, from the widest to the finest. What two kinds of events share for a while (an outage,
 * a busy hour) makes their failures go together in strata wider than that while, and no longer in finer ones.
 */
export const widths = [3_600_000, 300_000, 60_000, 10_000, 1_000] as const

/** Sums of one pair, one for each width. */
export type Rungs = Sums[]

export const noRungs = (): Rungs => widths.map(noSums)

export const finest = (rungs: Rungs): Sums => rungs.at(-1) as Sums

export function addRungs(to: Rungs, more: Rungs): void {
  for (const [i, sums] of to.entries()) addSums(sums, more[i] as Sums)
}

interface Open {
  at: number
  /** A table for each class of load that came up. */
  readonly byLoad: Map<number, Mutable<Table>>
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * Puts the counts of one pair on one instance into strata of every width and class of load, and folds each when its time is
 * over. Counts must come in the order of time. Memory: the open strata, a few for each width.
 */
export class Ladder {
  readonly rungs: Rungs = noRungs()
  readonly #open: Open[] = widths.map(() => ({ at: -1, byLoad: new Map() }))

  add(second: number, load: number, table: Table): void {
    for (let i = 0; i < widths.length; i++) {
      const open = this.#open[i] as Open
      const at = Math.floor((second * 1000) / (widths[i] as number))
      if (at !== open.at) this.#close(i)
      open.at = at
      const known = open.byLoad.get(load)
      if (!known) open.byLoad.set(load, { ...table })
      else {
        known.both += table.both
        known.onlyA += table.onlyA
        known.onlyB += table.onlyB
        known.neither += table.neither
      }
    }
  }

  /** Folds what is still open: no more will come of those times. */
  close(): Rungs {
    for (let i = 0; i < widths.length; i++) this.#close(i)
    return this.rungs
  }

  #close(i: number): void {
    const { byLoad } = this.#open[i] as Open
    for (const table of byLoad.values()) addStratum(this.rungs[i] as Sums, table)
    byLoad.clear()
  }
}
