import { existsSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { SkerryError } from '../../errors.ts'
import { type CrashHook, noCrash, unwatched, type Watcher } from '../../telemetry.ts'
import { type Clock, systemClock } from '../../time.ts'
import type { Bus } from '../bus.ts'
import { above0, keepingOf } from '../options.ts'
import { SqliteBus } from './engine.ts'
import { explain } from './failures.ts'
import { createPrivate, placesOf, refuseNetwork } from './files.ts'
import type { WorkerSettings } from './protocol.ts'
import type { Durability } from './schema.ts'

export interface SqliteBusOptions {
  /** The bus file; made when it is missing, its folder must exist. Beside it: `.lock`, `.sock`, `-wal`, `-shm`. */
  readonly file: string
  /** For waits on the caller's thread; the worker has the machine's own. */
  readonly clock?: Clock
  readonly watcher?: Watcher
  /** For crash tests: called on the caller's thread while the writer waits. */
  readonly crash?: CrashHook
  /**
   * `full`: an accepted event survives a power cut. `normal`: it survives the end of any process, and a power cut may
   * undo the last moments. The strictest of all connected processes counts. @default 'full'
   */
  readonly durability?: Durability
  /**
   * False for one that only watches or asks (a status page): it never becomes the writer, leaves no trace in the file, and
   * its appends need somebody else who writes. @default true
   */
  readonly lead?: boolean
  /** Above this size of the file, appends are refused with `overloaded`. The writing process's counts. @default Infinity */
  readonly maxBytes?: number
  /** What may be dropped once every registered reader has passed it: by age, and by size of each stream. @default nothing */
  readonly retention?: { readonly ageMs?: number; readonly bytes?: number }
  /** Space is given back in segments of about this size. @default 16 MiB */
  readonly segmentBytes?: number
  /** Longest wait for somebody who writes, at the opening and in an append, in milliseconds. @default 10 000 */
  readonly connectTimeoutMs?: number
}

const positive = above0('openSqliteBus')

/** Opens a bus on one SQLite file, which any number of processes of one machine may share. */
export async function openSqliteBus(options: SqliteBusOptions): Promise<Bus> {
  const { clock = systemClock, watcher = unwatched, crash = noCrash, durability = 'full' } = options
  const timeoutMs = positive('connectTimeoutMs', options.connectTimeoutMs ?? 10_000)
  const gate = crash === noCrash ? undefined : new Int32Array(new SharedArrayBuffer(4))
  const settings = prepare(options, durability, gate)
  const worker = new Worker(workerFile(), { workerData: settings, name: 'skerry-bus', execArgv: quietFlags() })
  const bus = new SqliteBus(worker, {
    file: settings.file,
    clock,
    watcher,
    crash,
    gate,
    durability: durability === 'full' ? 'synced' : 'engine',
    timeoutMs,
  })
  return bus.opened()
}

function prepare(options: SqliteBusOptions, durability: Durability, gate: Int32Array | undefined): WorkerSettings {
  const { lead = true } = options
  const { segmentBytes, ...retention } = keepingOf(options, positive)
  const places = placesOf(options.file)
  refuseNetwork(places.file)
  try {
    if (lead) createPrivate(places.file)
  } catch (error) {
    throw explain(error, places.file)
  }
  if (!lead && !existsSync(places.file))
    throw new SkerryError('not_found', `${places.file}: there is no bus; start a service that uses it first`)
  return {
    ...places,
    lead,
    durability,
    gate,
    maxBytes: positive('maxBytes', options.maxBytes ?? Number.POSITIVE_INFINITY),
    segmentBytes,
    retention,
  }
}

/** As this file: TypeScript in the repository, JavaScript in the package. */
function workerFile(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)
}

/** The worker runs our code alone: nothing that the program preloads for its own. */
function quietFlags(): string[] {
  return process.execArgv.filter((flag) => flag.startsWith('--no-warnings') || flag.startsWith('--disable-warning'))
}
