import { resolve } from 'node:path'
import { type Random, randomIdentity, seededRandom } from '../../ids.ts'
import { type CrashHook, noCrash } from '../../telemetry.ts'
import type { Clock } from '../../time.ts'
import { loadMigrations } from '../migrations.ts'
import type { StoreOptions } from '../store.ts'
import { Connection } from './connection.ts'
import { openError } from './errors.ts'
import { Place, prepareFile, refuseCutFile } from './file.ts'
import { type Patience, untilFree } from './lock.ts'
import { migrate } from './migrate.ts'
import { Readers } from './readers.ts'
import { SqliteStore } from './store.ts'

export interface SqliteStoreOptions extends StoreOptions {
  readonly file: string
  readonly clock: Clock
  /** `full`: a commit survives a power cut. `normal`: it survives the death of the process. @default 'full' */
  readonly durability?: 'full' | 'normal'
  /** Longest wait for another process's lock before `store_busy`, in milliseconds. Range 0–60 000. @default 2000 */
  readonly busyMs?: number
  /** How many snapshots may be read at the same time. Range 1–64. @default 4 */
  readonly readers?: number
  readonly random?: Random
  readonly crash?: CrashHook
}

const INCREMENTAL = 2

/** Opens a store in a SQLite file, made if need be, and brings it up to what its migrations say. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const file = resolve(options.file)
  const { migrations: given } = options
  const migrations = given === 'any' ? given : await loadMigrations(given, 'sqlite')
  const patience: Patience = {
    clock: options.clock,
    random: options.random ?? seededRandom(randomIdentity()),
    busyMs: options.busyMs ?? 2000,
  }
  prepareFile(file)
  const writer = await connect(file, options.durability ?? 'full', patience)
  try {
    const identity = await migrate(writer, migrations, patience)
    const readers = new Readers(writer.place, options.readers ?? 4)
    return new SqliteStore({ identity, writer, readers, patience, turn: options.turn, crash: options.crash ?? noCrash })
  } catch (error) {
    writer.close()
    throw openError(error, file)
  }
}

async function connect(file: string, durability: 'full' | 'normal', patience: Patience): Promise<Connection> {
  let writer: Connection | undefined
  try {
    writer = new Connection(new Place(file), 'write')
    await untilFree(writer, patience, configure.bind(undefined, writer, durability))
    return writer
  } catch (error) {
    writer?.close()
    throw openError(error, file)
  }
}

function configure(writer: Connection, durability: 'full' | 'normal'): void {
  // The first look at the file: here it turns out not to be a database.
  writer.settleSnapshot()
  refuseCutFile(writer.file, writer.value('pragma page_size') as number)
  // Before the first page is written, or never. Setting it again would take the write lock.
  if (writer.value('pragma auto_vacuum') !== INCREMENTAL) writer.db.exec('pragma auto_vacuum = incremental')
  const mode = writer.value('pragma journal_mode = wal')
  if (mode !== 'wal') throw new Error(`the file cannot be put into WAL mode (it is in ${String(mode)} mode)`)
  writer.db.exec(`
    pragma synchronous = ${durability};
    pragma fullfsync = on;
    pragma checkpoint_fullfsync = on;
    pragma cache_size = -8000;
    pragma journal_size_limit = 67108864`)
}
