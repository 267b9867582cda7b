import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { SkerryError } from '../../errors.ts'
import { randomIdentity } from '../../ids.ts'
import type { CrashHook } from '../../telemetry.ts'
import type { Clock } from '../../time.ts'
import type { Batch } from '../bus.ts'
import { explain, type Failure } from './failures.ts'
import { newsOf } from './news.ts'
import { type Known, type Plan, planCommit } from './plan.ts'
import type { Growth } from './protocol.ts'
import { Readers } from './readers.ts'
import { expired, type RetentionRules } from './retention.ts'
import { number } from './schema.ts'
import { type Segment, Segments } from './segments.ts'

export interface WriterOptions {
  readonly file: string
  readonly pid: number
  readonly clock: Clock
  readonly crash: CrashHook
  readonly maxBytes: number
  readonly segmentBytes: number
  readonly retention: RetentionRules
}

export interface Committed {
  /** One entry for each batch: undefined when it is durable, or why it was refused. */
  readonly failures: readonly (Failure | undefined)[]
  /** The streams that grew, and what they grew by if it is little. */
  readonly streams: readonly string[]
  readonly news: readonly Growth[]
}

interface BusRow {
  readonly epoch: number
  readonly head: number
  readonly next_segment: number
  readonly clean: number
}

/**
 * The write-ahead file is copied into the bus file when that much is new in it (which bounds how long copying takes), or
 * when it has grown so much (small commits write the same few pages again and again). It stays small on purpose: syncing
 * a file costs twice as much while it grows as when it is written over.
 */
const checkpointBytes = 4 * 1024 * 1024
const checkpointWalBytes = 8 * 1024 * 1024
const longestWalBytes = 4 * checkpointWalBytes
const longestMarkCache = 100_000

/**
 * Writes the bus file: every change in it is made here, in transactions that first verify the epoch, so that a
 * writer which was replaced without noticing changes nothing. What is kept in memory follows a commit, never precedes it.
 */
export class Writer {
  readonly readers: Readers
  readonly #db: DatabaseSync
  readonly #options: WriterOptions
  readonly #segments: Segments
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  readonly #fence: StatementSync
  readonly #markOf: StatementSync
  readonly #setMark: StatementSync
  readonly #pages: StatementSync
  readonly #freePages: StatementSync
  readonly #pageSize: number
  #epoch = 0
  #term = ''
  #head = 0
  #nextSegment = 1
  #marks = new Map<string, number>()
  #newest = new Map<string, Segment>()
  /** Undefined since the last change of the file. */
  #used: number | undefined
  #fresh = 0
  #wal = 0

  constructor(db: DatabaseSync, options: WriterOptions) {
    this.#db = db
    this.#options = options
    this.#segments = new Segments(db)
    this.readers = new Readers(db, options.file)
    this.#begin = db.prepare('begin immediate')
    this.#commit = db.prepare('commit')
    this.#fence = db.prepare('update bus set head = ?, next_segment = ? where one = 1 and epoch = ?')
    this.#markOf = db.prepare('select mark from producer where name = ?')
    this.#setMark = db.prepare(
      'insert into producer values (?, ?) on conflict (name) do update set mark = excluded.mark',
    )
    this.#pages = db.prepare('pragma page_count')
    this.#freePages = db.prepare('pragma freelist_count')
    this.#pageSize = number(db, 'page_size')
  }

  get epoch(): number {
    return this.#epoch
  }

  /** Bytes of the file that are in use. */
  get used(): number {
    this.#used ??= (this.#read(this.#pages) - this.#read(this.#freePages)) * this.#pageSize
    return this.#used
  }

  /** Room for the next commit, in bytes. Measuring takes as long as a small commit: only under a limit, and once. */
  get room(): number {
    const { maxBytes } = this.#options
    return Number.isFinite(maxBytes) ? maxBytes - this.used : maxBytes
  }

  /** Takes over: raises the epoch and adds an incarnation. Says whether the last writer left with nobody connected. */
  beginTerm(): { clean: boolean } {
    const { clock, pid } = this.#options
    let clean = false
    const begin = () => {
      const row = this.#db.prepare('select epoch, head, next_segment, clean from bus').get() as unknown as BusRow
      this.#db.prepare('update bus set epoch = ?, pid = ?, clean = 0').run(row.epoch + 1, pid)
      const token = randomIdentity()
      const { lastInsertRowid } = this.#db
        .prepare('insert into incarnation (token, start, at) values (?, ?, ?)')
        .run(token, row.head, Math.round(clock.wall()))
      this.#term = `${lastInsertRowid}.${token}`
      this.#epoch = row.epoch + 1
      this.#head = row.head
      this.#nextSegment = row.next_segment
      clean = row.clean === 1
    }
    try {
      this.#transact(begin)
    } catch (error) {
      this.#epoch = 0
      throw error
    }
    return { clean }
  }

  /** Appends batches in one transaction. Throws when nothing of any of them was written. */
  commit(batches: readonly Batch[]): Committed {
    this.#ensureTerm()
    const { plan, news } = this.#attempt(() => this.#plan(batches))
    if (plan.rows.length === 0) return { failures: plan.failures, streams: [], news: [] }
    this.#transact(() => this.#write(plan), plan)
    this.#head = plan.head
    this.#nextSegment = plan.nextSegment
    for (const [producer, mark] of plan.marks) this.#marks.set(producer, mark)
    for (const [stream, segment] of plan.newest) this.#newest.set(stream, segment)
    this.#wrote(plan.bytes, 2 + 2 * plan.segments.size + Math.min(plan.marks.size, 64))
    return { failures: plan.failures, streams: [...plan.newest.keys()], news }
  }

  /** Changes the registry of readers in a transaction of its own. */
  change<T>(work: (readers: Readers) => T): T {
    this.#ensureTerm()
    let result: T | undefined
    this.#transact(() => {
      result = work(this.readers)
    })
    return result as T
  }

  /** Drops what the rules say, one segment a call; says whether there may be more. */
  retain(suspended: boolean): boolean {
    const { retention, clock } = this.#options
    if (suspended || (retention.ageMs === Number.POSITIVE_INFINITY && retention.bytes === Number.POSITIVE_INFINITY))
      return false
    const all = this.#db
      .prepare(
        `select id, stream, first, next, events, bytes, first_at as firstAt, last_at as lastAt from segment order by first`,
      )
      .all() as unknown as Segment[]
    const doomed = expired(all, retention, (stream) => this.readers.lowestMark(stream), clock.wall())
    const first = doomed[0]
    if (!first) return false
    this.#ensureTerm()
    this.#transact(() => this.#segments.drop([first]))
    if (this.#newest.get(first.stream)?.id === first.id) this.#newest.delete(first.stream)
    this.#wrote(first.bytes / 1000, 8)
    return true
  }

  /** Gives some free pages back to the file system; says whether there are more. */
  vacuum(): boolean {
    const before = this.#read(this.#freePages)
    if (before === 0) return false
    this.#db.exec('pragma incremental_vacuum(256)')
    this.#wrote(256 * this.#pageSize, 8)
    const after = this.#read(this.#freePages)
    return after > 0 && after < before
  }

  /** After acknowledging, so that nobody waits for it. A failure leaves everything in the write-ahead file. */
  checkpoint(idle: boolean): void {
    if (this.#wal === 0 || (!idle && this.#fresh < checkpointBytes && this.#wal < checkpointWalBytes)) return
    this.#fresh = 0
    this.#wal = 0
    const result = this.#db.prepare('pragma wal_checkpoint(passive)').get() as unknown as { log: number }
    // Readers that never pause at the same time keep the file from starting over: wait for them, briefly.
    if (result.log * this.#pageSize < longestWalBytes) return
    this.#db.exec('pragma busy_timeout = 50')
    this.#db.prepare('pragma wal_checkpoint(restart)').get()
    this.#db.exec('pragma busy_timeout = 1000')
  }

  /** The last word of a writer that leaves in good order. */
  endTerm(alone: boolean): void {
    if (this.#epoch === 0) return
    this.#transact(() => {
      this.readers.save()
      if (alone) this.#db.prepare('update bus set clean = 1').run()
    })
  }

  #ensureTerm(): void {
    if (this.#epoch === 0) this.beginTerm()
  }

  #plan(batches: readonly Batch[]): { plan: Plan; news: readonly Growth[] } {
    const known = this.#known()
    const plan = planCommit(batches, known)
    return { plan, news: newsOf(plan, known, this.#term) }
  }

  #known(): Known {
    const { file, segmentBytes, clock } = this.#options
    return {
      file,
      head: this.#head,
      nextSegment: this.#nextSegment,
      segmentBytes,
      room: this.room,
      wall: Math.round(clock.wall()),
      mark: (producer) => this.#mark(producer),
      newestSegment: (stream) => this.#newestOf(stream),
    }
  }

  #mark(producer: string): number {
    const known = this.#marks.get(producer)
    if (known !== undefined) return known
    if (this.#marks.size >= longestMarkCache) this.#marks.clear()
    const mark = (this.#markOf.get(producer) as { mark: number } | undefined)?.mark ?? 0
    this.#marks.set(producer, mark)
    return mark
  }

  #newestOf(stream: string): Segment | undefined {
    const known = this.#newest.get(stream)
    if (known) return known
    const found = this.#segments.newestOf(stream)
    if (found) this.#newest.set(stream, found)
    return found
  }

  #write(plan: Plan): void {
    for (const segment of plan.segments.values()) {
      if (plan.started.has(segment.id)) this.#segments.start(segment)
      else this.#segments.save(segment)
    }
    for (const row of plan.rows) this.#segments.insert(row.segment, row.position, row.count, row.frame)
    for (const [producer, mark] of plan.marks) this.#setMark.run(producer, mark)
  }

  #transact(work: () => void, plan?: Plan): void {
    const { crash } = this.#options
    this.#attempt(() => {
      this.#begin.run()
      try {
        work()
        const head = plan?.head ?? this.#head
        const nextSegment = plan?.nextSegment ?? this.#nextSegment
        if (this.#fence.run(head, nextSegment, this.#epoch).changes !== 1) throw this.#fenced()
        if (plan) crash('bus.before-commit')
        this.#commit.run()
        this.readers.committed()
        if (plan) crash('bus.after-commit')
      } catch (error) {
        this.#undo()
        throw error
      }
    })
  }

  /** SQLite has already rolled back after some errors (a full disk among them). */
  #undo(): void {
    if (this.#db.isTransaction) this.#db.exec('rollback')
    this.readers.reload()
  }

  #attempt<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw explain(error, this.#options.file)
    }
  }

  #fenced(): SkerryError {
    return new SkerryError('fenced', `${this.#options.file}: another process writes now; connecting to it`)
  }

  /** After every change of the file's size. An estimate: the log's bytes, and some pages that each commit changes again. */
  #wrote(bytes: number, pages: number): void {
    this.#used = undefined
    this.#fresh += bytes
    this.#wal += bytes + pages * this.#pageSize
  }

  #read(pragma: StatementSync): number {
    return Number(Object.values(pragma.get() ?? {})[0])
  }
}
