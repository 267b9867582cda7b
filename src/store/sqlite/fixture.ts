import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../time.ts'
import type { Store, StoreOptions } from '../store.ts'
import { openSqliteStore, type SqliteStoreOptions } from './open.ts'
import type { SqliteStore } from './store.ts'

/** What the conformance suite asks for (`StoreFixture`), for SQLite. */
export interface SqliteFixture {
  readonly file: string
  open(options?: StoreOptions & Partial<SqliteStoreOptions>): Promise<SqliteStore>
  readonly elsewhere: { readonly module: string; readonly location: string }
  fillDisk(store: Store): Promise<() => Promise<void>>
  dispose(): Promise<void>
}

/** A folder of its own for one SQLite store; `normal` durability, since no test can cut the power. */
export async function sqliteFixture(): Promise<SqliteFixture> {
  const folder = await mkdtemp(join(tmpdir(), 'skerry-store-'))
  const file = join(folder, 'store.db')
  return {
    file,
    open: (options = {}) => openSqliteStore({ file, clock: systemClock, durability: 'normal', ...options }),
    elsewhere: { module: new URL(`./elsewhere${import.meta.url.slice(-3)}`, import.meta.url).href, location: file },
    async fillDisk(store) {
      const sqlite = store as SqliteStore
      sqlite.limitPages(1)
      return async () => sqlite.limitPages(2 ** 30)
    },
    dispose: () => rm(folder, { recursive: true }),
  }
}
