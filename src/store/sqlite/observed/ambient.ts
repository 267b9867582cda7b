import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import type { Random } from '../../../ids.ts'

/** What a statement gets when it asks for the time or for randomness; both are told of. */
export interface Ambient {
  readonly wall: () => number
  readonly random: Random
  readonly asked: (what: string) => void
}

const moments = ['date', 'time', 'datetime', 'julianday', 'unixepoch'] as const

/** Replaces SQLite's functions that would look at the machine's clock or at its randomness, so that runs can be repeated. */
export function replaceAmbient(db: DatabaseSync, ambient: Ambient): { close(): void } {
  // The functions of a connection of its own are still SQLite's: times are reckoned there, from a given moment.
  const helper = new DatabaseSync(':memory:')
  const now = (): string => new Date(ambient.wall()).toISOString().replace('Z', '')
  const reckon = (name: string, values: readonly SQLInputValue[]): SQLInputValue => {
    const holes = values.map(() => '?').join(', ')
    return (helper.prepare(`select ${name}(${holes}) as v`).get(...values)?.v ?? null) as SQLInputValue
  }
  const placed = (values: SQLInputValue[], at: number, name: string): SQLInputValue[] => {
    const asksNow = values.length <= at || (typeof values[at] === 'string' && values[at].toLowerCase() === 'now')
    if (asksNow) ambient.asked(name)
    return asksNow ? [...values.slice(0, at), now(), ...values.slice(at + 1)] : values
  }
  for (const name of moments)
    db.function(name, { varargs: true }, (...values: SQLInputValue[]) => reckon(name, placed(values, 0, name)))
  db.function('strftime', { varargs: true }, (...values: SQLInputValue[]) =>
    reckon('strftime', placed(values, 1, 'strftime')),
  )
  for (const [name, as] of [
    ['current_timestamp', 'datetime'],
    ['current_date', 'date'],
    ['current_time', 'time'],
  ] as const)
    db.function(name, {}, () => reckon(as, placed([], 0, name)))
  db.function('random', {}, () => {
    ambient.asked('random')
    return Math.trunc((ambient.random() - 0.5) * Number.MAX_SAFE_INTEGER)
  })
  db.function('randomblob', {}, (length: SQLInputValue) => {
    ambient.asked('randomblob')
    return Uint8Array.from({ length: Math.max(1, Number(length)) }, () => Math.trunc(ambient.random() * 256))
  })
  return helper
}
