import { SkerryError } from '../errors.ts'
import type { ReadTx, Store } from '../store/store.ts'
import { numbersAtCommit, outboxBacklog } from './outbox.ts'

/**
 * Room in the outbox, asked for before handlers run: they never wait inside a transaction. Where several processes write
 * side by side the outbox must not be read within a batch, or each emission of one would be a conflict for all: there
 * what was seen a moment ago counts, and what was emitted here since.
 */
export class Room {
  readonly #limit: number
  #seen = 0
  #since = 0

  /** Most emitted events that may wait for the bus. */
  constructor(limit: number) {
    this.#limit = limit
  }

  emitted(events: number): void {
    this.#since += events
  }

  /** Looks how much others have emitted and the relay has sent. */
  async look(store: Store): Promise<void> {
    if (numbersAtCommit(store)) return
    this.#seen = await store.read(outboxBacklog)
    this.#since = 0
  }

  /** Throws `overloaded`. */
  async mustHaveSome(store: Store): Promise<void> {
    if (numbersAtCommit(store) || this.#seen + this.#since < this.#limit) return
    await this.look(store)
    if (this.#seen >= this.#limit) throw this.#full()
  }

  /** Within the transaction, where one process writes at a time. Throws `overloaded`. */
  async mustHaveSomeNow(tx: ReadTx): Promise<void> {
    if ((await outboxBacklog(tx)) >= this.#limit) throw this.#full()
  }

  #full(): SkerryError {
    return new SkerryError(
      'overloaded',
      `the outbox holds ${this.#limit} events that the bus has not taken; handlers wait for it`,
    )
  }
}
