/**
 * The limit: what this machine and SQLite allow for the work of exactly-once handling, when nothing but that work
 * is done. It is fixed, so that Skerry is measured against the same thing for ever.
 *
 * Batches of 128, `synchronous=FULL`, one thread, prepared statements:
 * 1. read 128 stored events of 256 bytes from the bus file;
 * 2. in the store file: per event one row update and one outbox insert, per batch one position update; commit;
 * 3. append the outbox to a second file; commit. Delete it from the outbox; commit.
 *
 * No JSON, no savepoints, no validation, no retries, no competing process.
 */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { nowUs } from './clock.ts'
import { contend } from './contender.ts'
import type { Durability, Measured, Run } from './types.ts'
import { emitted, eventId, KEYS, keyOf, payload } from './workload.ts'

const BATCH = 128

const LOG = 'create table log (seq integer primary key, id text not null, key text not null, body blob not null) strict'

const STORE = `
  create table account (key text primary key, handled integer not null) strict, without rowid;
  create table outbox (seq integer primary key, id text not null, key text not null, body blob not null) strict;
  create table position (name text primary key, seq integer not null) strict, without rowid;
  insert into position values ('limit', 0)`

interface Stored {
  readonly seq: number
  readonly id: string
  readonly key: string
  readonly body: Uint8Array
}

await contend(async (run) => {
  const bus = open(join(run.folder, 'bus.db'), run.durability)
  const store = open(join(run.folder, 'store.db'), run.durability)
  const second = open(join(run.folder, 'second.db'), run.durability)
  fill(bus, store, second, run.events)

  const started = nowUs()
  handleAll(bus, store, second)
  const elapsedMs = (nowUs() - started) / 1_000

  return { events: run.events, elapsedMs, ...count(run, store, second) }
})

function open(file: string, durability: Durability): DatabaseSync {
  const database = new DatabaseSync(file)
  database.exec(`pragma journal_mode = wal; pragma synchronous = ${durability}`)
  return database
}

function fill(bus: DatabaseSync, store: DatabaseSync, second: DatabaseSync, events: number): void {
  bus.exec(LOG)
  second.exec(LOG)
  store.exec(STORE)
  const account = store.prepare('insert into account values (?, 0)')
  store.exec('begin')
  for (let index = 0; index < KEYS; index++) account.run(keyOf(index))
  store.exec('commit')
  const append = bus.prepare('insert into log (id, key, body) values (?, ?, ?)')
  bus.exec('begin')
  for (let index = 0; index < events; index++) {
    append.run(eventId(index), keyOf(index), Buffer.from(JSON.stringify(payload(index))))
  }
  bus.exec('commit; pragma wal_checkpoint(truncate)')
}

function handleAll(bus: DatabaseSync, store: DatabaseSync, second: DatabaseSync): void {
  const read = bus.prepare('select seq, id, key, body from log where seq > ? order by seq limit ?')
  const update = store.prepare('update account set handled = handled + 1 where key = ?')
  const emit = store.prepare('insert into outbox (seq, id, key, body) values (?, ?, ?, ?)')
  const advance = store.prepare("update position set seq = ? where name = 'limit'")
  const waiting = store.prepare('select seq, id, key, body from outbox order by seq')
  const append = second.prepare('insert into log (id, key, body) values (?, ?, ?)')
  const clear = store.prepare('delete from outbox where seq <= ?')

  for (let position = 0; ; ) {
    const batch = read.all(position, BATCH) as unknown as Stored[]
    const last = batch.at(-1)
    if (last === undefined) return
    position = last.seq

    store.exec('begin immediate')
    for (const event of batch) {
      update.run(event.key)
      emit.run(event.seq, `o${event.id.slice(1)}`, event.key, event.body)
    }
    advance.run(position)
    store.exec('commit')

    second.exec('begin immediate')
    for (const row of waiting.all() as unknown as Stored[]) append.run(row.id, row.key, row.body)
    second.exec('commit')
    clear.run(position)
  }
}

function count(run: Run, store: DatabaseSync, second: DatabaseSync): Pick<Measured, 'lost' | 'duplicates'> {
  const handled = number(store, 'select sum(handled) as n from account')
  const sent = number(second, 'select count(*) as n from log')
  const distinct = number(second, 'select count(distinct id) as n from log')
  const first = number(second, `select count(*) as n from log where id = '${emitted(payload(0)).id}'`)
  if (first !== 1) throw new Error(`the first event was emitted ${first} times: the limit program is broken`)
  return { lost: run.events - distinct, duplicates: Math.max(sent - distinct, handled - run.events, 0) }
}

function number(database: DatabaseSync, sql: string): number {
  return Number(database.prepare(sql).get()?.n ?? 0)
}
