import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { Durability, Server } from '../../../test/servers/kinds.ts'
import { postgres } from '../../../test/servers/postgres.ts'
import { randomIdentity } from '../../ids.ts'
import { systemClock } from '../../time.ts'
import type { Migration, ReadTx, Store, StoreOptions } from '../store.ts'
import { openPostgresStore, type PostgresStoreOptions } from './open.ts'
import { quoted } from './place.ts'
import type { PostgresStore } from './store.ts'

/** A private server for one test file. */
export interface TestServer {
  readonly url: string
  readonly folder: string
  readonly port: number
  readonly process: Server
  stop(): Promise<void>
}

/** `NORMAL`: hardly a test ends the server without warning. */
export async function testServer(durability: Durability = 'NORMAL'): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'skerry-postgres-'))
  const process = await postgres.start(folder, { durability })
  const { host, port } = process.address
  return {
    url: `postgres://postgres@${host}:${port}/postgres`,
    folder,
    port,
    process,
    async stop() {
      await process.stop()
      await rm(folder, { recursive: true })
    },
  }
}

/** Runs statements beside any store. */
export async function administer<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** What the conformance suite asks for (`StoreFixture`), for PostgreSQL. */
export interface PostgresFixture {
  readonly writers: 'several'
  readonly schema: string
  open(options?: StoreOptions & Partial<PostgresStoreOptions>): Promise<PostgresStore>
  readonly elsewhere: { readonly module: string; readonly location: string }
  fillDisk(store: Store): Promise<() => Promise<void>>
  dispose(): Promise<void>
}

/** A schema of its own. */
export async function postgresFixture({ url }: Pick<TestServer, 'url'>): Promise<PostgresFixture> {
  const schema = `test_${randomIdentity().slice(0, 12)}`
  const location: Location = { url, schema }
  return {
    writers: 'several',
    schema,
    open: (options = {}) => openPostgresStore({ ...opening(location), ...options }),
    elsewhere: {
      module: new URL(`./elsewhere${import.meta.url.slice(-3)}`, import.meta.url).href,
      location: JSON.stringify(location),
    },
    fillDisk: () => fillDisk(url, schema),
    dispose: () =>
      administer(url, async (client) => void (await client.query(`drop schema if exists ${quoted(schema)} cascade`))),
  }
}

export interface Location {
  readonly url: string
  readonly schema: string
}

export function opening({ url, schema }: Location): PostgresStoreOptions {
  return { url, schema, service: 'test', clock: systemClock, durability: 'normal', busyMs: 10_000 }
}

/**
 * The server itself refuses rows beyond a few kilobytes, as it does on a full disk: with SQLSTATE 53100, at the statement that
 * would have to grow a table. Only the reason stands in for a disk, which no test may fill.
 */
export function fillDisk(url: string, schema: string): Promise<() => Promise<void>> {
  return administer(url, async (client) => {
    const place = quoted(schema)
    await client.query(`
      create function ${place}.refuse_growth() returns trigger language plpgsql as $$ begin
        if octet_length(new::text) > 8000 then
          raise exception using errcode = '53100', message = 'could not extend file: No space left on device';
        end if;
        return new;
      end $$`)
    const { rows } = await client.query<{ name: string }>(
      `select relname as name from pg_class where relnamespace = $1::regnamespace and relkind = 'r'`,
      [place],
    )
    for (const { name } of rows)
      await client.query(`create trigger refuse_growth before insert or update on ${place}.${quoted(name)}
        for each row execute function ${place}.refuse_growth()`)
    return () =>
      administer(url, async (free) => void (await free.query(`drop function ${place}.refuse_growth cascade`)))
  })
}

/** Stands on the wire between a store and its server, to do what networks do. */
export interface WireProxy {
  readonly url: string
  /** What clients have sent so far, in packets: round trips, as long as none is split. */
  readonly packets: number
  /** Breaks all connections. */
  cut(): void
  /** From the next message that contains `word` on, the server hears it, and its answer is lost with the connection. */
  loseAnswerTo(word: string): void
  /** Lets nothing through in either direction until `flow`, and breaks nothing. */
  stall(): void
  flow(): void
  close(): Promise<void>
}

export async function proxyTo(server: Pick<TestServer, 'url'>): Promise<WireProxy> {
  const target = new URL(server.url)
  const pairs = new Set<readonly [Socket, Socket]>()
  let word: string | undefined
  let stalled = false
  let packets = 0
  const listener = createServer((near) => {
    const far = connect(Number(target.port), target.hostname)
    const pair = [near, far] as const
    pairs.add(pair)
    let losing = false
    const end = (): void => {
      pairs.delete(pair)
      near.destroy()
      far.destroy()
    }
    for (const socket of pair) socket.on('error', end).on('close', end)
    if (stalled) for (const socket of pair) socket.pause()
    near.on('data', (chunk) => {
      packets++
      if (word !== undefined && chunk.includes(word)) {
        word = undefined
        losing = true
      }
      far.write(chunk)
    })
    far.on('data', (chunk) => {
      if (losing) end()
      else near.write(chunk)
    })
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const url = new URL(server.url)
  url.port = String((listener.address() as AddressInfo).port)
  const everywhere = (act: (socket: Socket) => unknown): void => {
    for (const pair of [...pairs]) for (const socket of pair) act(socket)
  }
  return {
    url: url.href,
    get packets() {
      return packets
    },
    cut: () => everywhere((socket) => socket.destroy()),
    loseAnswerTo(text) {
      word = text
    },
    stall() {
      stalled = true
      everywhere((socket) => socket.pause())
    },
    flow() {
      stalled = false
      everywhere((socket) => socket.resume())
    },
    async close() {
      everywhere((socket) => socket.destroy())
      listener.close()
      await once(listener, 'close')
    },
  }
}

/** What most tests write to, and with what. */
export const tables: Migration = {
  number: 1,
  name: 'tables',
  sql: 'create table item (id integer primary key, n integer not null default 0)',
  additive: true,
}

export const sqlOf =
  (tx: ReadTx) =>
  (template: TemplateStringsArray, ...values: unknown[]) =>
    tx.query(template, values)

export const add = (store: Store, id: number): Promise<unknown> =>
  store.write((tx) => sqlOf(tx)`insert into item (id) values (${id})`)

export const ids = (store: Store): Promise<unknown[]> =>
  store.read(async (tx) => (await sqlOf(tx)`select id from item order by id`).map((row) => row.id))
