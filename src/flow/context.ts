import type { AnyCall } from '../call.ts'
import type { AnyEvent } from '../contract.ts'
import { refuseStranger, requestEvent } from '../durable.ts'
import { SkerryError } from '../errors.ts'
import type { Attributes, Delivery, EventRecord } from '../event.ts'
import { derivedId, seededRandom } from '../ids.ts'
import type { Trace } from '../independence/measure/sampler.ts'
import type { Row, Rows, StoreTx } from '../store/store.ts'
import { compose, composeCancel } from './compose.ts'
import type { CallContext, HandleContext, PublishOptions, SendOptions, Sql } from './handler.ts'

/** What a try needs of a store's transaction. */
export type Transaction = Pick<StoreTx, 'dialect' | 'query'>

/**
 * One try's hold on the transaction. Everything that a handler may do goes through here, so that it ends with the try:
 * a context used later, by work that the handler left behind, throws `tx_ended` and touches nothing.
 */
export class Attempting {
  readonly emitted: EventRecord[] = []
  /** The first use of this context that failed: it dooms the try even if the handler swallowed the error, as on PostgreSQL. */
  doom: unknown
  readonly #tx: Transaction
  readonly #delivery: Delivery
  readonly #subscription: string
  readonly #maxBytes: number
  readonly #trace: Trace | undefined
  #ended: string | undefined
  #drawn = 0
  #abort: AbortController | undefined
  #random: (() => number) | undefined
  #attributes: Attributes | undefined

  constructor(tx: Transaction, delivery: Delivery, subscription: string, maxBytes: number, trace?: Trace) {
    this.#tx = tx
    this.#delivery = delivery
    this.#subscription = subscription
    this.#maxBytes = maxBytes
    this.#trace = trace
  }

  /** Revokes the context. */
  end(why: string): void {
    this.#ended ??= why
    this.#abort?.abort(new SkerryError('tx_ended', why))
  }

  context(): HandleContext & Pick<CallContext, 'cancel'> {
    const self = this
    return {
      sql: ((template: TemplateStringsArray, ...values: unknown[]) => self.#query(template, values)) as Sql,
      dialect: self.#tx.dialect,
      versioned: ((template: TemplateStringsArray, ...values: unknown[]) =>
        self.#doomed(self.#versioned(template, values))) as Sql,
      publish: (type, data, options) => self.#doomed(self.#publish(type as AnyEvent, data, options)),
      send: (type, input, options) => self.#doomed(self.#send(type as AnyCall, input, options)),
      cancel: (type: unknown, id: string, key?: string) =>
        self.#doomed(self.#cancel(type as AnyEvent | AnyCall, id, key)),
      id: () => self.#derive('id'),
      random: () => self.#draw(),
      now: () => new Date(self.#delivery.record.time),
      get signal() {
        self.#abort ??= new AbortController()
        return self.#abort.signal
      },
    }
  }

  #check(): void {
    if (this.#ended !== undefined)
      throw new SkerryError(
        'tx_ended',
        `${this.#subscription}: tx used after ${this.#ended}; await everything that a handler starts`,
      )
  }

  #query(template: TemplateStringsArray, values: readonly unknown[]): Promise<Rows> {
    try {
      this.#check()
    } catch (error) {
      return this.#doomed(Promise.reject(error))
    }
    this.#trace?.statement(template, values)
    return this.#doomed(this.#tx.query(template, values))
  }

  /** What nobody awaited must not become an unhandled rejection, which ends the process: the doom reports it instead. */
  #doomed<T>(result: Promise<T>): Promise<T> {
    result.catch((error: unknown) => {
      this.doom ??= error
    })
    return result
  }

  async #versioned(template: TemplateStringsArray, values: readonly unknown[]): Promise<Rows<Row>> {
    const rows = await this.#query(template, values)
    if (rows.changes > 0 || rows.length > 0) return rows
    const conflict = new SkerryError(
      'version_conflict',
      `${this.#subscription}: no row of that version; another event changed it first`,
    )
    throw conflict
  }

  async #publish(type: AnyEvent, data: unknown, options?: PublishOptions): Promise<string> {
    this.#check()
    const record = compose(type, data, options, this.#composition())
    this.emitted.push(record)
    return record.id
  }

  async #send(type: AnyCall, input: unknown, { key, ...options }: SendOptions = {}): Promise<string> {
    return this.#publish(this.#request(type, key ?? this.#delivery.record.key), input, options)
  }

  async #cancel(type: AnyEvent | AnyCall, id: string, key = this.#delivery.record.key): Promise<void> {
    this.#check()
    const what = type.kind === 'call' ? this.#request(type, key) : type
    this.emitted.push(composeCancel(what, id, key, this.#composition()))
  }

  #request(type: AnyCall, key: string): AnyEvent {
    const sender = this.#subscription.split(/[/.]/, 1)[0] as string
    refuseStranger(type, sender)
    return requestEvent(type, sender, key)
  }

  #composition() {
    const id = this.#derive('event')
    return { id, now: this.#delivery.record.time, maxBytes: this.#maxBytes, attributes: this.#caused() }
  }

  /** Correlation and cause travel on, as does the trace. */
  #caused(): Attributes {
    if (this.#attributes) return this.#attributes
    const { id, attributes } = this.#delivery.record
    const trace = attributes?.traceparent
    const caused = { correlationid: attributes?.correlationid ?? id, causationid: id }
    this.#attributes = trace === undefined ? caused : { ...caused, traceparent: trace }
    return this.#attributes
  }

  #derive(purpose: string): string {
    this.#check()
    const { stream, record } = this.#delivery
    return derivedId(stream, record.id, this.#subscription, `${purpose}:${this.#drawn++}`)
  }

  #draw(): number {
    this.#check()
    const { stream, record } = this.#delivery
    this.#random ??= seededRandom(`${stream}\n${record.id}\n${this.#subscription}`)
    return this.#random()
  }
}
