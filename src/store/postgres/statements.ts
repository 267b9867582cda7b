import type { Row, Rows } from '../store.ts'
import { guardHandler } from './guard.ts'
import { numbered, scan } from './scan.ts'
import { checkColumns, oid, type Read, reader, typeOf, type Wired } from './values.ts'
import type { Answer, Step, Wire } from './wire.ts'

/** Texts of Skerry's own are few and fixed; lists of varying length (`in (?, ?, …)`) make more of them. */
const MAX_TEXTS = 500

/** A prepared statement with what is needed to run it without asking again. */
export interface Statement {
  readonly name: string
  readonly text: string
  /** What the server takes each parameter for. */
  readonly parameters: readonly number[]
  readonly types: readonly number[]
  readonly names: readonly string[]
  readonly reads: readonly Read[]
}

/** Sends one step within a transaction. */
export interface Asking {
  ask(step: Step): Promise<Answer>
  /** As `ask`, but a failure leaves the transaction as it was, and resolves with undefined. */
  tryOut(step: Step): Promise<Answer | undefined>
}

interface CallSite {
  readonly plain: Statement
  /** Parameters that the text does not say the type of. */
  readonly open: readonly number[]
  /** By the types that values brought with them. */
  readonly typed: Map<string, Statement>
}

/** One connection's prepared statements. */
export class Statements {
  readonly #wire: Wire
  #texts = new Map<string, Statement>()
  #sites = new WeakMap<TemplateStringsArray, CallSite>()

  constructor(wire: Wire) {
    this.#wire = wire
  }

  /** Skerry's own statement. */
  own(text: string, to: Asking): Statement | Promise<Statement> {
    return this.#texts.get(text) ?? this.#prepareOwn(text, to)
  }

  /** A user's statement. */
  users(template: TemplateStringsArray, values: readonly unknown[], to: Asking): Statement | Promise<Statement> {
    const site = this.#sites.get(template)
    if (!site) return this.#prepareSite(template, values, to)
    if (site.open.length === 0) return site.plain
    const types = openTypes(site, values)
    return site.typed.get(types.join()) ?? this.#prepareTyped(site, types, to)
  }

  /** Forgets them all: tables have changed, and with them what statements mean. */
  clear(): void {
    this.#texts = new Map()
    this.#sites = new WeakMap()
  }

  async #prepareOwn(text: string, to: Asking): Promise<Statement> {
    const statement = await this.#prepare(numbered(text).text, to)
    if (this.#texts.size >= MAX_TEXTS) this.#texts.delete(this.#texts.keys().next().value as string)
    this.#texts.set(text, statement)
    return statement
  }

  async #prepareSite(template: TemplateStringsArray, values: readonly unknown[], to: Asking): Promise<Statement> {
    const { text, tokens } = scan(template)
    guardHandler(text, tokens)
    const plain = await this.#prepare(text, to)
    const open = plain.parameters.flatMap((type, i) => (type === oid.text || type === oid.unknown ? [i] : []))
    const site = { plain, open, typed: new Map<string, Statement>() }
    this.#sites.set(template, site)
    return open.length === 0 ? plain : this.#prepareTyped(site, openTypes(site, values), to)
  }

  /**
   * Where a text could be anything, PostgreSQL takes a parameter for text: `select ${1}` would give '1'. There the value's
   * own type is tried; where that does not fit (`label = ${1}`), text it is.
   */
  async #prepareTyped(site: CallSite, types: readonly number[], to: Asking): Promise<Statement> {
    const { plain, open, typed } = site
    let statement = plain
    if (types.some((type) => type !== 0)) {
      const all = plain.parameters.map((type, i) => (open.includes(i) ? (types[open.indexOf(i)] ?? 0) : type))
      const name = this.#wire.newName()
      const answer = await to.tryOut({ name, text: plain.text, types: all })
      if (answer) statement = made(name, plain.text, all, answer)
    }
    typed.set(types.join(), statement)
    return statement
  }

  async #prepare(text: string, to: Asking): Promise<Statement> {
    const name = this.#wire.newName()
    return made(name, text, [], await to.ask({ name, text, types: [] }))
  }
}

function openTypes({ open }: CallSite, values: readonly unknown[]): number[] {
  return open.map((i) => typeOf(values[i]))
}

function made(name: string, text: string, types: readonly number[], answer: Answer): Statement {
  checkColumns(answer.columns, text)
  return {
    name,
    text,
    types,
    parameters: answer.parameters,
    names: answer.columns.map((column) => column.name),
    reads: answer.columns.map((column) => reader(column.type)),
  }
}

export function execution({ name, text, types }: Statement, values: readonly Wired[]): Step {
  return name === '' ? { name, text, types, values } : { name, values }
}

export function rowsOf({ names, reads }: Statement, answer: Answer): Row[] {
  return answer.rows.map((texts) => {
    const row: Row = {}
    for (let i = 0; i < names.length; i++) {
      const text = texts[i] as string | null
      row[names[i] as string] = text === null ? null : (reads[i] as Read)(text)
    }
    return row
  })
}

/** How many rows a command changed; 0 for one that only read. */
export function changesOf({ tag }: Answer): number {
  const [, count] = /^(?:INSERT \d+|UPDATE|DELETE|MERGE) (\d+)$/.exec(tag) ?? []
  return count === undefined ? 0 : Number(count)
}

export function withChanges(rows: Row[], changes: number): Rows {
  return Object.defineProperty(rows, 'changes', { value: changes, enumerable: false }) as unknown as Rows
}
