import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { SkerryError } from '../../errors.ts'
import { randomIdentity } from '../../ids.ts'
import { damaged, explain } from './failures.ts'

export type Durability = 'full' | 'normal'

const schemaVersion = 1
/** "SKRY": tells a bus file from another program's database. */
const applicationId = 0x534b5259
/** A frame of a hundred small events fills four of these; single events do not waste much of one. */
const pageSize = 8192

/**
 * - `bus`: one row. `head` is the next position of all streams, `epoch` counts writers and fences late ones, `clean`
 *   is 1 when the last writer left with nobody else connected.
 * - `stream`: `floor` is what retention has passed: positions below it are gone. `next` is the end of what was dropped.
 * - `segment`: a run of a stream's rows, kept in the table `log_<id>`, which is dropped whole. Ids are never reused.
 * - `log_<id>`: one row for each frame, under the position of its first event. No other index: each would cost more
 *   than the row. Positions come from `bus.head` and not from rowids, which restart when a table is emptied.
 */
const tables = `
  create table bus (
    one integer primary key check (one = 1), identity text not null, epoch integer not null, head integer not null,
    next_segment integer not null, pid integer not null, clean integer not null);
  create table incarnation (number integer primary key, token text not null, start integer not null, at integer not null);
  create table stream (name text primary key, floor integer not null, next integer not null) without rowid;
  create table segment (
    id integer primary key, stream text not null, first integer not null, next integer not null,
    events integer not null, bytes integer not null, first_at integer not null, last_at integer not null);
  create index segment_place on segment (stream, first);
  create table producer (name text primary key, mark integer not null) without rowid;
  create table reader (subscription text primary key, store text not null, marks text not null) without rowid;`

export const createLog = (id: number): string =>
  `create table log_${id} (position integer primary key, count integer not null, frame text not null)`

/** The one connection that writes; the caller holds the writer's lock. Makes the tables in a new file. */
export function openForWriting(file: string): DatabaseSync {
  const db = connect(file, false)
  try {
    if (isEmpty(db)) create(db)
    else {
      refuseStrange(db, file)
      refuseShort(db, file)
    }
    // Checkpoints are made by hand, after the acknowledgements; macOS needs `fullfsync` to reach the disk itself.
    // Rows go to the end of a table: a larger cache would keep pages that nobody asks for again. A commit that is larger
    // than it spills into the write-ahead file early.
    db.exec('pragma wal_autocheckpoint = 0; pragma journal_size_limit = 67108864; pragma cache_size = -2000')
    if (process.platform === 'darwin') db.exec('pragma fullfsync = 1; pragma checkpoint_fullfsync = 1')
    return db
  } catch (error) {
    db.close()
    throw explain(error, file)
  }
}

export function openForReading(file: string): DatabaseSync {
  const db = connect(file, true)
  try {
    if (isEmpty(db))
      throw new SkerryError('unavailable', `${file}: is empty; the process that writes has yet to make it`)
    refuseStrange(db, file)
    // Rows are read once, in order, and kept decoded.
    db.exec('pragma cache_size = -1000')
    return db
  } catch (error) {
    db.close()
    throw explain(error, file)
  }
}

export function setDurability(db: DatabaseSync, durability: Durability): void {
  db.exec(`pragma synchronous = ${durability === 'full' ? 'full' : 'normal'}`)
}

export function number(db: DatabaseSync, pragma: string): number {
  return Number(Object.values(db.prepare(`pragma ${pragma}`).get() ?? {})[0])
}

function connect(file: string, readOnly: boolean): DatabaseSync {
  try {
    return new DatabaseSync(file, { readOnly, timeout: 1000 })
  } catch (error) {
    throw explain(error, file)
  }
}

function isEmpty(db: DatabaseSync): boolean {
  return db.prepare('select 1 from sqlite_schema limit 1').get() === undefined
}

function create(db: DatabaseSync): void {
  // In this order: the first two only take effect before the file's first page, which the third writes.
  db.exec(`pragma page_size = ${pageSize}; pragma auto_vacuum = incremental; pragma journal_mode = wal`)
  setDurability(db, 'full')
  db.exec('begin immediate')
  db.exec(tables)
  db.prepare('insert into bus values (1, ?, 0, 1, 1, 0, 1)').run(randomIdentity())
  db.exec(`pragma application_id = ${applicationId}; pragma user_version = ${schemaVersion}; commit`)
}

/** SQLite does not miss a part of the last page. While there is a write-ahead file, the missing part may be in that. */
function refuseShort(db: DatabaseSync, file: string): void {
  const wal = statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0
  const size = statSync(file).size
  const expected = number(db, 'page_count') * number(db, 'page_size')
  if (wal === 0 && size < expected) throw damaged(file, `${size} bytes instead of ${expected}`)
}

function refuseStrange(db: DatabaseSync, file: string): void {
  const version = number(db, 'user_version')
  if (number(db, 'application_id') !== applicationId) throw damaged(file, 'it belongs to another program')
  if (version > schemaVersion)
    throw new SkerryError(
      'migration_refused',
      `${file}: was made by a newer Skerry (schema ${version}, this one knows ${schemaVersion}); upgrade this one`,
    )
}
