import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { createLog } from './schema.ts'

/** The segment of a stream that is being written. */
export interface Segment {
  readonly id: number
  readonly stream: string
  readonly first: number
  readonly next: number
  readonly events: number
  readonly bytes: number
  readonly firstAt: number
  readonly lastAt: number
}

/** Writes rows of `segment` and `log_<id>`; transactions are the caller's. */
export class Segments {
  readonly #db: DatabaseSync
  readonly #find: StatementSync
  readonly #add: StatementSync
  readonly #grow: StatementSync
  readonly #note: StatementSync
  readonly #inserts = new Map<number, StatementSync>()

  constructor(db: DatabaseSync) {
    this.#db = db
    this.#find = db.prepare(
      `select id, stream, first, next, events, bytes, first_at as firstAt, last_at as lastAt
       from segment where stream = ? order by first desc limit 1`,
    )
    this.#add = db.prepare('insert into segment values (?, ?, ?, ?, ?, ?, ?, ?)')
    this.#grow = db.prepare('update segment set next = ?, events = ?, bytes = ?, last_at = ? where id = ?')
    this.#note = db.prepare('insert into stream values (?, 0, 0) on conflict do nothing')
  }

  newestOf(stream: string): Segment | undefined {
    return this.#find.get(stream) as unknown as Segment | undefined
  }

  start(segment: Segment): void {
    const { id, stream, first, next, events, bytes, firstAt, lastAt } = segment
    this.#db.exec(createLog(id))
    this.#add.run(id, stream, first, next, events, bytes, firstAt, lastAt)
    this.#note.run(stream)
  }

  insert(id: number, position: number, count: number, frame: string): void {
    let statement = this.#inserts.get(id)
    if (!statement) {
      if (this.#inserts.size >= 256) this.#inserts.clear()
      statement = this.#db.prepare(`insert into log_${id} values (?, ?, ?)`)
      this.#inserts.set(id, statement)
    }
    statement.run(position, count, frame)
  }

  save({ id, next, events, bytes, lastAt }: Segment): void {
    this.#grow.run(next, events, bytes, lastAt, id)
  }

  /** Drops whole tables; what is below the new floors is gone. */
  drop(segments: readonly Pick<Segment, 'id' | 'stream' | 'next'>[]): void {
    for (const { id, stream, next } of segments) {
      this.#inserts.delete(id)
      this.#db.exec(`drop table if exists log_${id}`)
      this.#db.prepare('delete from segment where id = ?').run(id)
      this.#db
        .prepare('update stream set floor = max(floor, ?1), next = max(next, ?1) where name = ?2')
        .run(next, stream)
    }
  }
}
