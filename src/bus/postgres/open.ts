import { SkerryError } from '../../errors.ts'
import { unwatched, type Watcher } from '../../telemetry.ts'
import { type Clock, systemClock } from '../../time.ts'
import { postgresTlsNames, tlsFiles } from '../../tls.ts'
import type { Bus } from '../bus.ts'
import { above0, keepingOf } from '../options.ts'
import { Database } from './database.ts'
import { PostgresBus } from './engine.ts'
import { placeOf } from './failures.ts'
import { prepareSchema } from './schema.ts'
import { schemaOf } from './tables.ts'

export interface PostgresBusOptions {
  /**
   * `postgres://user:password@host:port/database`, with `?sslmode=verify-full` and the files `sslrootcert`, `sslcert` and `sslkey` if
   * need be. May be a transaction-mode pooler's.
   */
  readonly url: string
  /** The server itself, for notifications and presence; a pooler in session mode will do. @default `url` */
  readonly directUrl?: string
  /** The bus is the schema `skerry_bus_<app>`: letters, digits, `_` and `-`, at most 50. */
  readonly app: string
  /** For polling, and for the age of what retention drops. Waits for the network are the machine's own time. */
  readonly clock?: Clock
  readonly watcher?: Watcher
  /**
   * `synced`: an accepted event is on the server's disk (and on its synchronous standbys). `engine`: the server commits
   * asynchronously, and its crash may undo the last moments; processes that had seen them then stop with `log_changed`.
   * @default 'synced'
   */
  readonly durability?: 'synced' | 'engine'
  /** Above this size of all events that are kept, appends are refused with `overloaded`. In bytes of text. @default Infinity */
  readonly maxBytes?: number
  /** What may be dropped once every registered reader has passed it: by age, and by size of each stream. @default nothing */
  readonly retention?: { readonly ageMs?: number; readonly bytes?: number }
  /** Retention drops runs of about this size. @default 16 MiB */
  readonly segmentBytes?: number
  /** Longest wait for a server that does not answer, at the opening and later, in milliseconds. Range 1000–600 000. @default 10 000 */
  readonly connectTimeoutMs?: number
}

const positive = above0('openPostgresBus')

/**
 * Opens an application's bus in a PostgreSQL database, made if need be. Rejects with `unavailable`, `unauthorized`,
 * `not_found` (no such database), `capability_absent` (a server too old) or `migration_refused`.
 */
export async function openPostgresBus(options: PostgresBusOptions): Promise<Bus> {
  const { url, app, clock = systemClock, watcher = unwatched, durability = 'synced' } = options
  if (!/^[A-Za-z0-9_-]{1,50}$/.test(app))
    throw new SkerryError(
      'invalid_config',
      `openPostgresBus: app '${app}' must be letters, digits, '_' and '-', at most 50`,
    )
  const { segmentBytes, ...retention } = keepingOf(options, positive)
  const limits = {
    maxBytes: positive('maxBytes', options.maxBytes ?? Number.POSITIVE_INFINITY),
    segmentBytes,
    retention,
    timeoutMs: positive('connectTimeoutMs', options.connectTimeoutMs ?? 10_000),
  }
  const { timeoutMs } = limits
  for (const one of [url, options.directUrl ?? url])
    tlsFiles(URL.parse(one)?.searchParams ?? new URLSearchParams(), placeOf(one), postgresTlsNames)
  const database = new Database({ url, place: placeOf(url), clock: systemClock, timeoutMs })
  try {
    const { syncs } = await prepareSchema(database, schemaOf(app), clock)
    const synced = durability === 'synced'
    return await new PostgresBus({
      ...{ app, database, clock, machine: systemClock, watcher, synced, ...limits },
      directUrl: options.directUrl ?? url,
      durability: synced && syncs ? 'synced' : 'engine',
    }).opened()
  } catch (error) {
    await database.close()
    throw error
  }
}
