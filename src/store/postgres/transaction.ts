import { messageOf, SkerryError } from '../../errors.ts'
import type { Plain, ReadTx, Row, Rows, StoreTx } from '../store.ts'
import { firstLine } from '../text.ts'
import { endsTransaction, isStale, statementError, stateOf } from './errors.ts'
import type { Place } from './place.ts'
import type { Session } from './session.ts'
import { type Asking, changesOf, execution, rowsOf, type Statement, withChanges } from './statements.ts'
import { bindAll, bindOwn } from './values.ts'
import type { Answer, Step } from './wire.ts'

/**
 * Where a transaction is.
 *
 * - `open`
 * - `failed`: a statement failed under the savepoint; only rolling back to it helps.
 * - `dead`:   the machine failed, the engine asks for all of it again, or a statement failed outside of a savepoint.
 * - `ended`:  its work is over.
 */
type State = 'open' | 'failed' | 'dead' | 'ended'

/**
 * A transaction on one connection. What it is framed by (`begin`, savepoints) is sent along with the next statement and costs
 * no round trip of its own: an event whose handler has one statement costs one.
 */
export class PostgresTx implements ReadTx, Asking {
  readonly dialect = 'postgres'
  protected readonly session: Session
  protected state: State = 'open'
  protected failure: SkerryError | undefined
  /** To be sent before the next statement. */
  protected controls: string[]
  protected inSavepoint = false
  /** True once the server has begun it. */
  protected begun = false
  #broken = false
  readonly #running = new Set<Promise<unknown>>()
  /** Set while a statement is being prepared: those after it keep their place. */
  #preparing: Promise<unknown> | undefined

  constructor(session: Session, prelude: readonly string[]) {
    this.session = session
    this.controls = [...prelude]
  }

  get place(): Place {
    return this.session.wire.place
  }

  all<R = Row>(text: string, ...values: Plain[]): Promise<R[]> {
    return this.#own(text, values, (statement, answer) => rowsOf(statement, answer) as R[])
  }

  protected change(text: string, values: readonly Plain[]): Promise<number> {
    return this.#own(text, values, (_, answer) => changesOf(answer))
  }

  query(template: TemplateStringsArray, values: readonly unknown[]): Promise<Rows> {
    const given = values.slice()
    return this.#statement(
      template.join('?'),
      () => {
        const bound = bindAll(given)
        return { statement: this.session.users(template, given, this), bind: () => bound }
      },
      (statement, answer) => withChanges(rowsOf(statement, answer), changesOf(answer)),
    )
  }

  #own<T>(text: string, values: readonly Plain[], read: (statement: Statement, answer: Answer) => T): Promise<T> {
    return this.#statement(
      text,
      () => ({
        statement: this.session.own(text, this),
        bind: (statement) => {
          checkCount(statement, values)
          return bindOwn(values, statement.parameters)
        },
      }),
      read,
    )
  }

  #statement<T>(
    text: string,
    find: () => {
      statement: Statement | Promise<Statement>
      bind: (statement: Statement) => ReturnType<typeof bindAll>
    },
    read: (statement: Statement, answer: Answer) => T,
  ): Promise<T> {
    const send = (statement: Statement, bind: ReturnType<typeof find>['bind']): Promise<T> =>
      this.ask(execution(statement, bind(statement))).then((answer) => read(statement, answer))
    const begin = (): Promise<T> => {
      if (this.#preparing) return this.#preparing.then(begin)
      if (this.state !== 'open') this.refuse()
      const { statement, bind } = find()
      if (!(statement instanceof Promise)) return send(statement, bind)
      this.#hold(statement)
      return statement.then((prepared) => send(prepared, bind))
    }
    // `begin` must run now, not later: statements are sent in the order in which they were written.
    const answered = new Promise<T>((resolve) => {
      resolve(begin())
    })
    const result = answered.catch((error: unknown) => {
      throw this.fail(error, text)
    })
    const settled: Promise<unknown> = result.then(ignore, ignore).then(() => this.#running.delete(settled))
    this.#running.add(settled)
    return result
  }

  /** Those that come while a statement is being prepared go after it. */
  #hold(statement: Promise<Statement>): void {
    const held: Promise<unknown> = statement.then(ignore, ignore).then(() => {
      if (this.#preparing === held) this.#preparing = undefined
    })
    this.#preparing = held
  }

  ask(step: Step): Promise<Answer> {
    this.sendControls()
    return this.session.wire.ask({ ...step, check: () => this.#check() })
  }

  async tryOut(step: Step): Promise<Answer | undefined> {
    this.controls.push('savepoint skerry_try')
    const answer = await this.ask(step).catch((error: unknown) => {
      if (this.#broken || this.session.wire.dead || stateOf(error) === '') throw error
      return undefined
    })
    if (!answer) this.controls.push('rollback to skerry_try')
    this.controls.push('release skerry_try')
    return answer
  }

  protected sendControls(): void {
    for (const text of this.controls.splice(0)) {
      this.begun = true
      this.session.wire.tell(text, () => {
        this.#broken = true
      })
    }
  }

  /** Waits for statements that nobody awaited. */
  protected async quiet(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  /** Its work is over: whatever comes later is refused. */
  end(): void {
    this.state = 'ended'
  }

  /** Takes back what the server has of it. A connection on which that fails is good for nothing. */
  async undo(): Promise<void> {
    await this.quiet()
    this.end()
    const { wire } = this.session
    if (!this.begun || wire.dead) return
    await wire.control('rollback').catch((error: Error) => wire.destroy(error))
  }

  #check(): void {
    if (this.state !== 'open') this.refuse()
  }

  protected refuse(): never {
    if (this.state !== 'ended' && this.failure) throw this.failure
    throw new SkerryError('tx_ended', 'this transaction has ended; await every statement before the handler returns')
  }

  protected fail(error: unknown, text: string): SkerryError {
    if (this.state === 'ended') return error as SkerryError
    // What followed a failed statement was skipped, or refused: it has the same reason.
    if (this.failure) return this.failure
    if (isStale(error)) this.session.forgetStatements(error)
    const failure = statementError(error, this.session.wire.place.name, text)
    const survives = this.inSavepoint && !this.#broken && !this.session.wire.dead && !endsTransaction(failure)
    this.state = survives ? 'failed' : 'dead'
    this.failure = failure
    return failure
  }
}

const ignore = (): void => {}

export class PostgresStoreTx extends PostgresTx implements StoreTx {
  readonly whole: boolean

  constructor(session: Session, prelude: readonly string[], whole = false) {
    super(session, prelude)
    this.whole = whole
  }

  run(text: string, ...values: Plain[]): Promise<number> {
    return this.change(text, values)
  }

  get alive(): boolean {
    return this.state === 'open' || this.state === 'failed'
  }

  /** Why it must not commit, if it must not; to be asked when all of its statements are answered. */
  async doom(): Promise<SkerryError | undefined> {
    await this.quiet()
    return this.failure
  }

  /** The error to report when `work` threw: what ended the transaction beneath it goes before what it made of that. */
  reason(thrown: unknown): unknown {
    return this.failure && endsTransaction(this.failure) ? this.failure : thrown
  }

  savepoint(): Promise<void> {
    return this.#frame('savepoint', () => {
      if (this.state !== 'open') this.refuse()
      if (this.inSavepoint)
        throw new SkerryError('statement_refused', 'a savepoint is already open; release it or roll it back first')
      if (!this.whole) this.controls.push(savepoint)
      this.inSavepoint = true
    })
  }

  release(): Promise<void> {
    return this.#frame('release', () => {
      if (this.state !== 'open') this.refuse()
      this.#mustBeInSavepoint()
      // Nothing was sent since: then there is nothing to keep.
      if (this.controls.at(-1) === savepoint) this.controls.pop()
      else if (!this.whole) this.controls.push('release skerry')
      this.inSavepoint = false
    })
  }

  rollback(): Promise<void> {
    return this.#frame('rollback', () => {
      if (this.state !== 'open' && this.state !== 'failed') this.refuse()
      this.#mustBeInSavepoint()
      if (this.whole) {
        this.state = 'dead'
        this.failure = new SkerryError('conflict', `${this.place.name}: all of the transaction must be run again`)
        throw this.failure
      }
      if (this.controls.at(-1) === savepoint) this.controls.pop()
      else this.controls.push('rollback to skerry', 'release skerry')
      this.inSavepoint = false
      this.state = 'open'
      this.failure = undefined
    })
  }

  /** Commits, with `last` in the same round trip. Rejects with `outcome_unknown` when the connection broke meanwhile. */
  /** Resolves with what the server answered to `last`; undefined when there was nothing to commit. */
  async commit(last: Step): Promise<Answer | undefined> {
    this.end()
    if (!this.begun) return undefined
    const { wire } = this.session
    this.sendControls()
    const answered = wire.ask(last).catch(() => undefined)
    try {
      const { tag } = await wire.control('commit')
      if (tag === 'ROLLBACK') throw new SkerryError('io_error', `${wire.place.name}: the transaction was rolled back`)
      return await answered
    } catch (error) {
      throw await this.#uncommitted(error)
    }
  }

  /** A server that says what is wrong has not committed; one that fell silent, or is going down, may have. */
  async #uncommitted(error: unknown): Promise<SkerryError> {
    const { wire } = this.session
    if (isStale(error)) this.session.forgetStatements(error)
    const ours = statementError(error, wire.place.name, 'commit')
    if (error instanceof SkerryError) return ours
    if (!wire.dead && stateOf(error) !== '' && !/^(57P|08)/.test(stateOf(error))) {
      await wire.control('rollback').catch((broken: Error) => wire.destroy(broken))
      return ours
    }
    wire.destroy(error instanceof Error ? error : new Error(String(error)))
    const message = `${wire.place.name}: the connection broke at a commit, which may have happened (${messageOf(error)})`
    return new SkerryError('outcome_unknown', message, { cause: error })
  }

  async #frame(what: string, change: () => void): Promise<void> {
    try {
      await this.quiet()
      change()
    } catch (error) {
      throw this.fail(error, what)
    }
  }

  #mustBeInSavepoint(): void {
    if (!this.inSavepoint) throw new SkerryError('statement_refused', 'there is no open savepoint')
  }
}

const savepoint = 'savepoint skerry'

function checkCount(statement: Statement, values: readonly unknown[]): void {
  if (values.length === statement.parameters.length) return
  throw new SkerryError(
    'statement_failed',
    `the statement takes ${statement.parameters.length} values and was given ${values.length} (statement: ${firstLine(statement.text)})`,
  )
}
