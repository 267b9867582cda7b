import { randomIdentity } from '../../ids.ts'
import type { Watcher } from '../../telemetry.ts'
import type { Clock, Timer } from '../../time.ts'
import { JumpDetector } from '../jumps.ts'
import { type Database, lockMs } from './database.ts'
import { quoted } from './tables.ts'

/** Watchers look for themselves this often, should a message be lost; and what may go is dropped. */
const pollMs = 1000

export interface TendingOptions {
  readonly database: Database
  readonly schema: string
  readonly clock: Clock
  readonly watcher: Watcher
  readonly synced: boolean
  readonly segmentBytes: number
  readonly retention: { readonly ageMs: number; readonly bytes: number }
  readonly timeoutMs: number
  /** The log has grown since the last look. */
  readonly onGrown: () => void
}

/** What each process does beside its own work: it looks for what no message told, collects, and drops what may go. */
export class Tending {
  readonly #options: TendingOptions
  readonly #jumps = new JumpDetector()
  #timer: Timer | undefined
  #looking: Promise<void> | undefined
  #collecting: Promise<void> | undefined
  #collectAgain = false
  #head = 0
  #stopped = false

  constructor(options: TendingOptions) {
    this.#options = options
  }

  /** Wall-clock jumps seen since the start. */
  get clockJumps(): number {
    return this.#jumps.jumps
  }

  start(): void {
    const look = (): void => {
      this.#looking = this.#look()
      void this.#looking.then(() => {
        if (!this.#stopped) this.start()
      })
    }
    this.#timer = this.#options.clock.after(pollMs, look, { background: true })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    await this.#looking
    await this.#collecting
  }

  /** Gives positions to what callers' own transactions appended. One at a time, and once more for what came meanwhile. */
  collect(): void {
    if (this.#stopped) return
    this.#collectAgain = true
    this.#collecting ??= this.#doCollect().finally(() => {
      this.#collecting = undefined
    })
  }

  async #doCollect(): Promise<void> {
    const { database, schema, synced, timeoutMs, segmentBytes, clock } = this.#options
    const text = `select ${quoted(schema)}.collect($1, $2, $3, $4, $5) as more`
    try {
      while (this.#collectAgain && !this.#stopped) {
        this.#collectAgain = false
        const values = [randomIdentity(), synced, lockMs(timeoutMs), segmentBytes, Math.round(clock.wall())]
        const [row] = await database.once(text, values)
        if (row?.more) this.#collectAgain = true
      }
    } catch {
      // The next look finds it again.
    }
  }

  async #look(): Promise<void> {
    const { clock, watcher, database, schema, onGrown } = this.#options
    const s = quoted(schema)
    const byMs = this.#jumps.look(clock.wall(), clock.monotonic())
    if (byMs !== 0) watcher({ kind: 'clock_jump', byMs })
    try {
      const [row] = await database.once(`select head, exists (select from ${s}.pending) as pending from ${s}.bus`)
      if (row?.pending) this.collect()
      const head = Number(row?.head)
      if (head !== this.#head) onGrown()
      this.#head = head
      await this.#retain()
    } catch {
      // Whoever reads or appends says what is wrong; the next look is not far.
    }
  }

  async #retain(): Promise<void> {
    const { database, schema, retention, clock, timeoutMs } = this.#options
    const { ageMs, bytes } = retention
    const before = ageMs === Number.POSITIVE_INFINITY ? null : Math.round(clock.wall() - ageMs)
    const keep = bytes === Number.POSITIVE_INFINITY ? null : bytes
    if ((before === null && keep === null) || this.#jumps.suspended(clock.monotonic())) return
    while (!this.#stopped) {
      const text = `select ${quoted(schema)}.retain($1, $2, $3) as more`
      const [row] = await database.once(text, [before, keep, lockMs(timeoutMs)])
      if (!row?.more) return
    }
  }
}
