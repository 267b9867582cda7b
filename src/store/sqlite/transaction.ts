import { isEnvironmental, SkerryError } from '../../errors.ts'
import type { Plain, ReadTx, Row, Rows, StoreTx } from '../store.ts'
import type { Connection } from './connection.ts'
import { statementError } from './errors.ts'
import { change, fetch, query, type Statement } from './statements.ts'

/**
 * Where a transaction is. Every statement passes through `open`, so that nothing can run outside of the transaction
 * that it belongs to: SQLite would commit it at once, by itself.
 *
 * - `open`
 * - `failed`: a statement failed under the savepoint; only rolling back to it helps.
 * - `dead`:   the machine failed, an error ended the whole transaction, or a statement failed outside of a savepoint.
 * - `ended`:  its work is over.
 */
type State = 'open' | 'failed' | 'dead' | 'ended'

const done = Promise.resolve()

// Statements run at once, inside of the call; promises are the port's, for engines that answer over a wire.
export class SqliteTx implements ReadTx {
  readonly dialect = 'sqlite'
  protected readonly connection: Connection
  protected state: State = 'open'
  protected failure: SkerryError | undefined

  constructor(connection: Connection) {
    this.connection = connection
  }

  all<R = Row>(text: string, ...values: Plain[]): Promise<R[]> {
    try {
      return Promise.resolve(fetch(this.#own(text), values) as R[])
    } catch (error) {
      return Promise.reject(this.fail(error, text))
    }
  }

  run(text: string, ...values: Plain[]): Promise<number> {
    try {
      return Promise.resolve(change(this.#own(text), values))
    } catch (error) {
      return Promise.reject(this.fail(error, text))
    }
  }

  query(template: TemplateStringsArray, values: readonly unknown[]): Promise<Rows> {
    try {
      if (this.state !== 'open') this.refuse()
      return Promise.resolve(query(this.connection.statements.users(template), values.slice()))
    } catch (error) {
      return Promise.reject(this.fail(error, template.join('?')))
    }
  }

  /** Its work is over: whatever comes later is refused. */
  end(): void {
    this.state = 'ended'
  }

  #own(text: string): Statement {
    if (this.state !== 'open') this.refuse()
    return this.connection.statements.own(text)
  }

  protected refuse(): never {
    if (this.state !== 'ended' && this.failure) throw this.failure
    throw new SkerryError('tx_ended', 'this transaction has ended; await every statement before the handler returns')
  }

  protected fail(error: unknown, text: string): SkerryError {
    return statementError(error, this.connection.file, text)
  }
}

export class SqliteStoreTx extends SqliteTx implements StoreTx {
  /** A savepoint costs microseconds here. */
  readonly whole = false
  #inSavepoint = false

  get alive(): boolean {
    return this.state === 'open' || this.state === 'failed'
  }

  /** Why it must not commit, if it must not. */
  get doom(): SkerryError | undefined {
    return this.failure
  }

  /** The error to report when `work` threw: what ended the transaction beneath it goes before what it made of that. */
  reason(thrown: unknown): unknown {
    return isEnvironmental(this.failure) ? this.failure : thrown
  }

  savepoint(): Promise<void> {
    try {
      if (this.state !== 'open') this.refuse()
      if (this.#inSavepoint)
        throw new SkerryError('statement_refused', 'a savepoint is already open; release it or roll it back first')
      this.connection.statements.own('savepoint skerry').prepared.get()
      this.#inSavepoint = true
      return done
    } catch (error) {
      return Promise.reject(this.fail(error, 'savepoint'))
    }
  }

  release(): Promise<void> {
    try {
      if (this.state !== 'open') this.refuse()
      this.#mustBeInSavepoint()
      this.connection.statements.own('release skerry').prepared.get()
      this.#inSavepoint = false
      return done
    } catch (error) {
      return Promise.reject(this.fail(error, 'release'))
    }
  }

  rollback(): Promise<void> {
    try {
      if (this.state !== 'open' && this.state !== 'failed') this.refuse()
      this.#mustBeInSavepoint()
      this.connection.statements.own('rollback to skerry').prepared.get()
      this.connection.statements.own('release skerry').prepared.get()
      this.#inSavepoint = false
      this.state = 'open'
      this.failure = undefined
      return done
    } catch (error) {
      return Promise.reject(this.fail(error, 'rollback'))
    }
  }

  #mustBeInSavepoint(): void {
    if (!this.#inSavepoint) throw new SkerryError('statement_refused', 'there is no open savepoint')
  }

  protected override fail(error: unknown, text: string): SkerryError {
    if (this.state === 'ended' || error === this.failure) return error as SkerryError
    const failure = super.fail(error, text)
    const survives = this.#inSavepoint && this.connection.db.isTransaction && !isEnvironmental(failure)
    this.state = survives ? 'failed' : 'dead'
    this.failure = failure
    return failure
  }
}
