import { chmod, chown, mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fold } from '../../examples/shop/fold.ts'
import type { Random } from '../../src/ids.ts'
import { Passage } from '../servers/passage.ts'
import { postgres } from '../servers/postgres.ts'
import { freePort } from '../servers/process.ts'
import { type Books, PostgresBooks, SqliteBooks } from './books.ts'
import { Broker } from './broker.ts'
import { rowsOfMonth, writeRows } from './data.ts'
import { SmallDisk } from './disk.ts'
import { type EngineName, engines, onPostgres, passwords, superuser, user } from './engines.ts'
import { Month, type Summary, TooLate } from './month.ts'
import type { Fault, Scene, StoreName } from './scene.ts'

export interface Trial {
  readonly engine: EngineName
  readonly store: StoreName
  readonly fault: Fault
  readonly random: Random
  /** @default the month's */
  readonly rows: number | undefined
  /** The folder stays where it is when true. */
  readonly keep: boolean
  readonly onProgress: (done: number, all: number) => void
}

export interface Verdict {
  readonly engine: EngineName
  readonly store: StoreName
  readonly fault: string
  /** The run ended equal by itself, and the fault took place. */
  readonly passed: boolean
  readonly strikes: number
  /** Longest time from the end of a strike until the run went on, in milliseconds. */
  readonly recoveredMs: number
  readonly summary: Summary | undefined
  /** Why it did not pass, or what the run printed last; '' otherwise. */
  readonly problem: string
  readonly folder: string
}

const longestMs = 10 * 60_000
const diskMib: Readonly<Record<EngineName, number>> = { postgres: 128, nats: 256, rabbitmq: 768, kafka: 512 }

/** Runs a month on servers of its own, lets the fault happen to it, and says what came of it. */
export async function attempt(trial: Trial): Promise<Verdict> {
  const { engine, store, fault } = trial
  const folder = await mkdtemp(join(tmpdir(), 'skerry-faults-'))
  // A server may run as another user, and has to reach its own folder inside ours.
  await chmod(folder, 0o711)
  const stage = new Stage(folder, trial)
  let [strikes, recoveredMs, problem] = [0, 0, '']
  let summary: Summary | undefined
  try {
    const { month, ...rest } = await stage.set()
    const scene: Scene = {
      ...{ engine, store, month, random: trial.random, ...rest },
      struck: () => void strikes++,
      recovers: async () => {
        recoveredMs = Math.max(recoveredMs, await month.goesOn())
      },
    }
    await fault.strike(scene).catch((error: unknown) => {
      // A run that is fast sees fewer strikes: the verdict says how many.
      if (!(error instanceof TooLate && strikes > 0)) throw error
    })
    const ended = await inTime(month.ended)
    summary = ended.summary
    if (ended.code !== 0) problem = [lastLines(ended.said), ...(await scene.books.dead())].join(' | ')
    else if (strikes === 0) problem = 'the fault did not take place'
  } catch (error) {
    problem = `${error instanceof Error ? error.message : String(error)} ${await stage.said()}`
  } finally {
    await stage.clear()
    if (!trial.keep) await rm(folder, { recursive: true, force: true })
  }
  const passed = problem === '' && summary !== undefined && summary.equal
  return {
    engine,
    store,
    fault: fault.name,
    passed,
    strikes,
    recoveredMs: Math.round(recoveredMs),
    summary,
    problem,
    folder,
  }
}

/** What a trial runs on; all of it is gone after `clear`. */
class Stage {
  readonly #folder: string
  readonly #trial: Trial
  readonly #ends: (() => unknown)[] = []
  #month: Month | undefined

  constructor(folder: string, trial: Trial) {
    this.#folder = folder
    this.#trial = trial
  }

  async set() {
    const { engine, store, fault, rows = rowsOfMonth, onProgress } = this.#trial
    const { kind, url, durability, promised, settings, letIn } = engines[engine]
    const port = await freePort()
    const passage = await Passage.to(port)
    this.#ends.push(() => passage.close())
    const seenAt = fault.needs === 'passage' ? passage.port : port
    const disk = this.#disk()
    const place = join(disk && engine !== 'postgres' ? disk.folder : this.#folder, 'broker')
    const broker = await this.#start(kind, place, { durability, port, ...(settings && { settings: settings(seenAt) }) })
    if (fault.needs === 'login') await letIn(broker, passwords.right)
    const on = engine === 'postgres' && disk ? await smallDatabase(broker, disk) : 'postgres'
    const who = fault.needs === 'login' ? `${user}:${passwords.right}` : undefined
    const busUrl = url(port, who).replace(/\/postgres$/, `/${on}`)
    const monthUrl = busUrl.replace(`:${port}`, `:${seenAt}`)
    const apart = store === 'postgres' && engine !== 'postgres'
    const database = apart
      ? await this.#start(postgres, join(this.#folder, 'database'), { durability: 'FULL' })
      : undefined
    const storeUrl = database ? superuser(database.port) : monthUrl
    const out = join(this.#folder, 'out')
    const books = this.#books(join(out, 'state'), superuser((database ?? broker).port, on))
    const data = join(this.#folder, 'rows.csv')
    writeRows(data, rows)
    const { facts } = await fold(data)
    const effects = Object.values(facts).reduce((sum, n) => sum + n, 0)
    const env = {
      SKERRY_BUS: monthUrl,
      ...(promised === 'engine' && { SKERRY_DURABILITY: 'engine' }),
      ...(store === 'postgres' && { SKERRY_STORE: storeUrl }),
    }
    const month = new Month({ data, effects, out, books, env, onProgress })
    this.#month = month
    this.#ends.push(() => month.abandon())
    return {
      month,
      books,
      broker,
      database: database ?? (engine === 'postgres' ? broker : undefined),
      passage,
      busUrl,
      disk,
    }
  }

  /** What the run has printed, as far as it got. */
  async said(): Promise<string> {
    await this.#month?.abandon()
    return lastLines((await this.#month?.ended)?.said ?? '')
  }

  async clear(): Promise<void> {
    for (const end of this.#ends.reverse()) await end()
  }

  async #start(...[kind, folder, options]: Parameters<typeof Broker.start>): Promise<Broker> {
    await mkdir(folder, { recursive: true })
    const broker = await Broker.start(kind, folder, options)
    this.#ends.push(() => broker.kill())
    return broker
  }

  #books(state: string, url: string): Books {
    const books = this.#trial.store === 'sqlite' ? new SqliteBooks(state) : new PostgresBooks(state, url)
    this.#ends.push(() => books.close())
    return books
  }

  #disk(): SmallDisk | undefined {
    const { fault, engine } = this.#trial
    if (fault.needs !== 'disk') return undefined
    const disk = SmallDisk.mount(join(this.#folder, 'disk'), diskMib[engine])
    this.#ends.push(() => disk.unmount())
    return disk
  }
}

/** A database on the small disk, with the server's own log beside it: a full one refuses rows, and the server lives on. */
async function smallDatabase(broker: Broker, disk: SmallDisk): Promise<string> {
  const folder = join(disk.folder, 'tables')
  await mkdir(folder)
  // The server sets its rights, which only the owner may.
  const { uid, gid } = await stat(join(broker.folder, 'postgres'))
  await chown(folder, uid, gid)
  await onPostgres(superuser(broker.port), async (client) => {
    await client.query(`create tablespace small location '${folder}'`)
    await client.query('create database small tablespace small')
  })
  return 'small'
}

function lastLines(said: string): string {
  return said.trim().split('\n').slice(-6).join(' | ')
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let late: NodeJS.Timeout | undefined
  const over = new Promise<never>((_, reject) => {
    late = setTimeout(() => reject(new Error(`the run did not end within ${longestMs / 60_000} minutes`)), longestMs)
  })
  try {
    return await Promise.race([work, over])
  } finally {
    clearTimeout(late)
  }
}
