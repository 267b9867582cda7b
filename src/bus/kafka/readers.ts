import { SkerryError } from '../../errors.ts'
import type { Position } from '../../event.ts'
import type { ReaderStatus, Registered, Registration } from '../bus.ts'
import type { Facts } from './facts.ts'

type Marks = Readonly<Record<string, Position>>

interface Reader {
  readonly store: string
  readonly marks: Marks
}

/** What the facts about readers begin with; the subscription follows. */
export const readerFacts = 'reader/'

/** Registered subscriptions. Marks are kept for people: what a topic drops, and when, is Kafka's own affair. */
export class Readers {
  readonly #facts: Facts
  /** Acknowledged, and not written yet. */
  readonly #pending = new Map<string, Marks>()

  constructor(facts: Facts) {
    this.#facts = facts
  }

  async register({ subscription, store, marks }: Registration): Promise<Registered> {
    let before: Reader | undefined
    await this.#facts.change<Reader>(readerFacts + subscription, (reader) => {
      if (reader && reader.store !== store)
        throw new SkerryError(
          'subscription_taken',
          `${subscription} belongs to another store (${reader.store}); forget it there first, or use another name`,
        )
      before = reader
      return reader && covers(reader.marks, marks) ? reader : { store, marks: highest(reader?.marks, marks) }
    })
    return { marks: before?.marks }
  }

  acknowledge(subscription: string, marks: Marks): void {
    this.#pending.set(subscription, highest(this.#pending.get(subscription), marks))
  }

  /** Writes what was acknowledged. A reader that has been forgotten meanwhile stays so. */
  async flush(): Promise<void> {
    const pending = [...this.#pending]
    this.#pending.clear()
    for (const [subscription, marks] of pending)
      await this.#facts.change<Reader>(readerFacts + subscription, (reader) =>
        !reader || covers(reader.marks, marks) ? reader : { ...reader, marks: highest(reader.marks, marks) },
      )
  }

  async forget(subscription: string): Promise<void> {
    await this.#facts.change<Reader>(readerFacts + subscription, (reader) => {
      if (!reader) throw new SkerryError('not_found', `there is no subscription ${subscription} on this bus`)
      return undefined
    })
    this.#pending.delete(subscription)
  }

  async list(): Promise<ReaderStatus[]> {
    await this.#facts.refresh()
    const readers = this.#facts.under<Reader>(readerFacts)
    return readers.map(([subscription, { store, marks }]) => ({ subscription, store, marks })).sort(byName)
  }
}

const byName = (a: ReaderStatus, b: ReaderStatus): number => (a.subscription < b.subscription ? -1 : 1)

/** Marks never move back. */
function highest(a: Marks = {}, b: Marks = {}): Marks {
  const merged: Record<string, Position> = { ...a }
  for (const [stream, mark] of Object.entries(b)) merged[stream] = Math.max(merged[stream] ?? 0, mark)
  return merged
}

const covers = (marks: Marks, others: Marks): boolean =>
  Object.entries(others).every(([stream, mark]) => (marks[stream] ?? -1) >= mark)
