import { type CrashHook, noCrash } from '../../telemetry.ts'
import type { Clock } from '../../time.ts'
import { loadMigrations } from '../migrations.ts'
import type { StoreOptions } from '../store.ts'
import { openError } from './errors.ts'
import { migrate } from './migrate.ts'
import { clientConfig, type Place, parseUrl, schemaName, shown } from './place.ts'
import { Session } from './session.ts'
import { PostgresStore } from './store.ts'
import { Wire } from './wire.ts'

export interface PostgresStoreOptions extends StoreOptions {
  /**
   * `postgres://user:password@host:5432/database`, with `sslmode` and the like as PostgreSQL's own tools take them. May lead
   * to a pooler in transaction mode: nothing is kept in a session from one transaction to the next, but prepared statements.
   */
  readonly url: string
  /**
   * The same database without a pooler, for notifications: with it, what one process emits or a tool changes is seen by the
   * others within milliseconds where the bus does not tell them. May be the same as `url` where that leads to the server.
   * @default none: they look once a second
   */
  readonly directUrl?: string
  readonly service: string
  readonly clock: Clock
  /** Separates applications and tenants on one database. */
  readonly app?: string
  /** @default `skerry_<service>`, or `skerry_<app>_<service>` */
  readonly schema?: string
  /**
   * `named`: prepared once per connection; a pooler must know of that (pgbouncer from 1.21 on, with
   * `max_prepared_statements`). `unnamed`: parsed at each use. A pooler that mixes them up is noticed, at the price of one
   * transaction that runs again. @default 'named'
   */
  readonly prepare?: 'named' | 'unnamed'
  /**
   * `full`: a commit survives a power cut at the server, which is told to sync where it would not. `normal`: it survives the death of this process, but when the server
   * itself dies the last moments are lost, and with them what the bus was told: the next start is refused. @default 'full'
   */
  readonly durability?: 'full' | 'normal'
  /** Longest wait for another transaction's lock before `store_busy`, in milliseconds. Range 1–60 000. @default 2000 */
  readonly busyMs?: number
  /**
   * How long a transaction may rest between two statements before the server ends it, in milliseconds: a process that is stopped
   * holds its rows for so long. More than the longest budget of a handler that runs alone (ten times `budgetMs`).
   * @default 15 000
   */
  readonly idleMs?: number
  /**
   * Longest wait for an answer before the connection counts as lost, in milliseconds; at least twice `busyMs`. No statement of a
   * handler may take longer; migrations may. @default 30 000
   */
  readonly answerMs?: number
  /**
   * A connection that has not answered for so long is looked after over another one, in milliseconds: where the server is not at
   * work for it any more, it counts as lost at once. Behind a pooler nobody can see that. @default 3000
   */
  readonly quietMs?: number
  /** Longest wait for a connection, in milliseconds. @default 5000 */
  readonly connectMs?: number
  /** How many snapshots may be read at the same time; each is a connection. Range 1–64. @default 4 */
  readonly readers?: number
  readonly crash?: CrashHook
}

/**
 * Opens a store in a schema of a PostgreSQL database, made if need be, and brings it up to what its migrations say. Rejects
 * with `unavailable` or `unauthorized` when the server cannot be reached or refuses.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<PostgresStore> {
  const { migrations: given } = options
  const migrations = given === 'any' ? given : await loadMigrations(given, 'postgres')
  const place = placeOf(options)
  let first: Session | undefined
  try {
    first = new Session(await Wire.connect(place))
    const identity = await migrate(first, migrations, options.clock.wall())
    // Not before: a pooler that mixes up names must not keep a store from opening.
    place.named = options.prepare !== 'unnamed'
    return new PostgresStore({
      identity,
      place,
      first,
      readers: options.readers ?? 4,
      crash: options.crash ?? noCrash,
      direct: options.directUrl === undefined ? undefined : placeOf({ ...options, url: options.directUrl }),
    })
  } catch (error) {
    await first?.wire.close()
    throw openError(error, place.name)
  }
}

function placeOf(options: PostgresStoreOptions): Place {
  const url = parseUrl(options.url)
  const schema = options.schema ?? schemaName(options.service, options.app)
  return {
    client: clientConfig(url, options.connectMs ?? 5000),
    schema,
    service: options.service,
    app: options.app ?? '',
    name: `${shown(url)} (schema ${schema})`,
    named: false,
    answerMs: Math.max(options.answerMs ?? 30_000, 2 * (options.busyMs ?? 2000)),
    quietMs: options.quietMs ?? 3000,
    busyMs: options.busyMs ?? 2000,
    idleMs: options.idleMs ?? 15_000,
    durability: options.durability ?? 'full',
  }
}
