/**
 * The store port: a service's private database. Handlers write their state here, and Skerry keeps the position,
 * the outbox and every exception beside it, so that one local transaction covers all of them.
 *
 * Isolation: no transaction sees another's half-done work, on any engine.
 */
export interface Store {
  readonly dialect: Dialect
  /** Random, made with the store; a copy of the store keeps it. */
  readonly identity: string

  /**
   * Runs `work` in one write transaction, one at a time for each mode, in the order of asking, and commits when it
   * resolves. When it rejects, or the commit fails, all of it is rolled back and the reason is passed on: `disk_full`, `io_error`,
   * `store_busy` when no write could begin in time (the message names the process that holds the lock, where the
   * engine knows it), `conflict` when the engine asks for the whole transaction again, `statement_failed` when the
   * commit itself failed on a deferred constraint, `outcome_unknown` when the connection broke at the commit, so that nobody
   * can tell whether it happened, or whatever `work` threw. When the machine failed beneath `work`, that
   * is the reason, whatever `work` made of it. Not to be called from inside of `work`: it would wait for itself.
   */
  write<T>(work: (tx: StoreTx) => Promise<T>, mode?: WriteMode): Promise<T>

  /** Runs `work` on one read-only snapshot, beside the writer. Bounded in time by the caller: long readers grow the log. */
  read<T>(work: (tx: ReadTx) => Promise<T>): Promise<T>

  /** Changes whenever another opener has committed to this store, and not for own commits; costs a round trip at most. */
  version(): Promise<number>

  /**
   * Milliseconds by the engine's own clock, where openers may be on several machines: leases are kept in it. Absent where all
   * of them are on one machine.
   */
  readonly time?: () => Promise<number>

  /** Tells other openers to look; present where an engine can. Only speed depends on it. */
  readonly signal?: Signal | undefined

  /** Most savepoints that one transaction should have: with more, an engine slows others down. Not for `whole` ones. */
  readonly savepointLimit: number

  /** Bytes on disk. */
  size(): Promise<number>
  close(): Promise<void>
}

/**
 * How a write stands to those of other processes. On an engine with one writer at a time there is no difference.
 *
 * - `serial` (the default): as if alone, side by side with others; `conflict` when that cannot be.
 * - `whole`: as `serial`, for a transaction that will most likely go well: where a savepoint costs as much as a statement, this
 *   one sets none. See `StoreTx.whole`.
 * - `alone`: as if alone, because it is: begins when all others are done, and they wait. No `conflict` with others of Skerry's.
 * - `bookkeeping`: touches Skerry's own tables only. One at a time, beside the others; rows that it changes wait for a
 *   transaction that holds them, and no `conflict` comes of it.
 */
export type WriteMode = 'serial' | 'whole' | 'alone' | 'bookkeeping'

export interface Signal {
  send(): void
  /** Calls `listener` when another opener has sent, and when one may have; the result ends that. */
  watch(listener: () => void): () => void
}

export type Dialect = 'sqlite' | 'postgres'

/** A value as it is bound or read. */
export type SqlValue = null | number | bigint | string | boolean | Uint8Array | Date | JsonValue
export type JsonValue = { readonly [name: string]: unknown } | readonly unknown[]
export type Row = Record<string, unknown>

/** The rows that a statement gave, and how many it changed (0 for one that only reads). */
export type Rows<R = Row> = R[] & { readonly changes: number }

export interface ReadTx {
  /** For the few statements that no common text can be found for. */
  readonly dialect: Dialect
  /** Bookkeeping: `?` placeholders on every dialect, values as the engine takes them, prepared once per text. */
  all<R = Row>(text: string, ...values: Plain[]): Promise<R[]>
  /**
   * A user's statement from a template: always bound parameters, prepared once per call site, values mapped by the one
   * table in `store/values.ts`. Statements that would end the transaction, change the connection or touch Skerry's own
   * tables are refused with `statement_refused`; a failing one rejects with `statement_failed`, or an environmental
   * code when the machine is to blame.
   */
  query(template: TemplateStringsArray, values: readonly unknown[]): Promise<Rows>
}

/**
 * A statement that rejected, for whatever reason, dooms all since the savepoint, even when its error was swallowed: later
 * statements and `release` reject with the same error until `rollback`. Outside of a savepoint it dooms the transaction.
 */
export interface StoreTx extends ReadTx {
  /** Bookkeeping; resolves with the number of changed rows. */
  run(text: string, ...values: Plain[]): Promise<number>
  /** Starts a savepoint; there is at most one open. */
  savepoint(): Promise<void>
  /** Keeps what happened since the savepoint. */
  release(): Promise<void>
  /** Undoes what happened since the savepoint, and ends it. Rejects when the whole transaction has already ended. */
  rollback(): Promise<void>
  /**
   * True when the savepoints are only for show: `rollback` then ends the whole transaction, and rejects with `conflict`, for
   * all of it must be run again without what failed.
   */
  readonly whole: boolean
  /**
   * False once the whole transaction is lost and `rollback` cannot help: the machine failed, an error ended it, or a
   * statement failed outside of a savepoint. Every later statement would run outside of it, so all are refused.
   */
  readonly alive: boolean
}

export type Plain = null | number | bigint | string | Uint8Array

/** What `open` of every store adapter takes. */
export interface StoreOptions {
  /**
   * Folder of numbered migrations: `0001-name.sql` for all dialects, or `0001-name.sqlite.sql`, `0001-name.postgres.sql`.
   * `any` is for tools, which take a store as it is.
   */
  readonly migrations?: URL | readonly Migration[] | 'any'
  /** Grants turns among the processes that share the store; not asked for where they can write side by side. */
  readonly turn?: () => Promise<() => void>
}

export interface Migration {
  readonly number: number
  readonly name: string
  readonly sql: string
  /** False when older code must not run on the result (its first line says `-- breaking`). */
  readonly additive: boolean
}
