import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Client } from 'pg'
import { type ServiceName, serviceNames } from '../../examples/shop/services.ts'
import { quoted, schemaName } from '../../src/store/postgres/place.ts'

/** Looks into the stores of a running shop from outside, past everything of Skerry's. */
export interface Books {
  /** How many effects rows of the month have had so far, in all services; undefined while a store cannot be asked. */
  effects(): Promise<number | undefined>
  /** How many shares of lanes a process owns, in the stores of these services. */
  sharesOf(pid: number, services: readonly ServiceName[]): Promise<number>
  /** How often transactions of several processes were in each other's way, as the processes at work say. */
  conflicts(): Promise<number>
  /** What became a dead letter, and why: a line for each. */
  dead(): Promise<string[]>
  close(): Promise<void>
}

/** Where each service keeps one row for each effect. */
const tables = {
  users: 'sighting',
  carts: 'bought',
  orders: 'order_line',
  inventory: 'movement',
  ledger: 'entry',
} as const satisfies Record<ServiceName, string>

const deadLetters = 'select subscription, position, code, message from'

const described = ({ subscription, position, code, message }: Record<string, unknown>): string =>
  `${subscription} at ${position}: ${code}: ${message}`

/** The name of a run's application; undefined before the run has one. */
export function appOf(state: string): string | undefined {
  const file = join(state, 'data')
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n')[2] : undefined
}

export class SqliteBooks implements Books {
  readonly #state: string
  readonly #open = new Map<string, DatabaseSync>()

  constructor(state: string) {
    this.#state = state
  }

  async effects(): Promise<number | undefined> {
    let sum = 0
    // Not every table is there from the first moment on.
    for (const name of serviceNames) sum += this.#number(name, `select max(rowid) as n from ${tables[name]}`) ?? 0
    return sum
  }

  async sharesOf(pid: number, services: readonly ServiceName[]): Promise<number> {
    const question = 'select count(*) as n from skerry_share where owner like ?'
    return services.reduce((sum, service) => sum + (this.#number(service, question, `%.${pid}.%`) ?? 0), 0)
  }

  async conflicts(): Promise<number> {
    return 0
  }

  async dead(): Promise<string[]> {
    const of = (service: ServiceName) => this.#all(service, `${deadLetters} skerry_dead`)
    return serviceNames.flatMap(of).map(described)
  }

  async close(): Promise<void> {
    for (const database of this.#open.values()) database.close()
    this.#open.clear()
  }

  #number(service: string, question: string, ...values: string[]): number | undefined {
    const [row] = this.#all(service, question, ...values)
    return row && Number(row.n ?? 0)
  }

  #all(service: string, question: string, ...values: string[]): Record<string, unknown>[] {
    try {
      const database = this.#open.get(service) ?? new DatabaseSync(this.fileOf(service), { readOnly: true })
      this.#open.set(service, database)
      return database.prepare(question).all(...values)
    } catch {
      return []
    }
  }

  fileOf(service: string): string {
    return join(this.#state, `${service}.db`)
  }
}

export class PostgresBooks implements Books {
  readonly #state: string
  readonly #url: string
  #client: Client | undefined

  /** `url` of a superuser, whom no fault concerns. */
  constructor(state: string, url: string) {
    this.#state = state
    this.#url = url
  }

  async effects(): Promise<number | undefined> {
    let sum = 0
    for (const name of serviceNames) {
      const found = await this.#number(name, (schema) => `select count(*)::int as n from ${schema}.${tables[name]}`)
      if (found === undefined) return undefined
      sum += found
    }
    return sum
  }

  async sharesOf(pid: number, services: readonly ServiceName[]): Promise<number> {
    let sum = 0
    for (const service of services)
      sum +=
        (await this.#number(
          service,
          (schema) => `select count(*)::int as n from ${schema}.skerry_share where owner like '%.${pid}.%'`,
        )) ?? 0
    return sum
  }

  async conflicts(): Promise<number> {
    const text = `select live from $.skerry_member`
    let sum = 0
    for (const service of serviceNames)
      for (const { live } of await this.#rows(service, (schema) => text.replace('$', schema))) {
        const { conflicts = [] } = JSON.parse(String(live ?? '{}')) as { conflicts?: { reruns: number }[] }
        sum += conflicts.reduce((total, { reruns }) => total + reruns, 0)
      }
    return sum
  }

  async dead(): Promise<string[]> {
    const rows = []
    for (const service of serviceNames)
      rows.push(...(await this.#rows(service, (schema) => `${deadLetters} ${schema}.skerry_dead`)))
    return rows.map(described)
  }

  async close(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    await client?.end().catch(() => {})
  }

  async #number(service: string, question: (schema: string) => string): Promise<number | undefined> {
    const rows = await this.#rows(service, question)
    return rows.length === 0 ? undefined : Number(rows[0]?.n)
  }

  async #rows(service: string, question: (schema: string) => string): Promise<Record<string, unknown>[]> {
    const app = appOf(this.#state)
    if (app === undefined) return []
    try {
      const client = await this.#connected()
      return (await client.query(question(quoted(schemaName(service, app))))).rows
    } catch {
      // The server is away, which may be the fault's doing, or the table is not there yet.
      await this.close()
      return []
    }
  }

  async #connected(): Promise<Client> {
    if (this.#client) return this.#client
    const client = new Client({ connectionString: this.#url, connectionTimeoutMillis: 2000, query_timeout: 5000 })
    client.on('error', () => {})
    await client.connect()
    this.#client = client
    return client
  }
}
