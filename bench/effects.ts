import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Durability } from './types.ts'
import { KEYS, keyOf } from './workload.ts'

/** The effect of one event, committed by itself: one row and the position, in a SQLite file of its own. */
export function effects(folder: string, durability: Durability): (index: number) => void {
  const store = open(join(folder, 'store.db'), durability)
  store.exec(`
    create table account (key text primary key, handled integer not null) strict, without rowid;
    create table position (name text primary key, seq integer not null) strict, without rowid;
    insert into position values ('bare', 0)`)
  const account = store.prepare('insert into account values (?, 0)')
  for (let index = 0; index < KEYS; index++) account.run(keyOf(index))
  const update = store.prepare('update account set handled = handled + 1 where key = ?')
  const advance = store.prepare("update position set seq = ? where name = 'bare'")
  return (index) => {
    store.exec('begin immediate')
    update.run(keyOf(index))
    advance.run(index)
    store.exec('commit')
  }
}

export function open(file: string, durability: Durability): DatabaseSync {
  const database = new DatabaseSync(file)
  database.exec(`pragma journal_mode = wal; pragma synchronous = ${durability}`)
  return database
}
