import type { DatabaseSync } from 'node:sqlite'
import { SkerryError } from '../../errors.ts'
import type { Registered, Registration } from '../bus.ts'
import type { AllMarks, Marks } from './protocol.ts'

interface Reader {
  readonly store: string
  readonly marks: Record<string, number>
  changed: boolean
}

/** The registry of subscriptions and their marks, in memory with its table behind it. Transactions are the writer's. */
export class Readers {
  readonly #db: DatabaseSync
  readonly #file: string
  #readers = new Map<string, Reader>()
  /** Acknowledged but not saved: losing it costs only disk. */
  #lazy = false
  #saving = false

  constructor(db: DatabaseSync, file: string) {
    this.#db = db
    this.#file = file
    this.#load()
  }

  get unsaved(): boolean {
    return this.#lazy
  }

  lowestMark(stream: string): number {
    let lowest = Number.POSITIVE_INFINITY
    for (const { marks } of this.#readers.values()) lowest = Math.min(lowest, marks[stream] ?? Number.POSITIVE_INFINITY)
    return lowest
  }

  register({ subscription, store, marks }: Registration): Registered {
    const known = this.#readers.get(subscription)
    if (known && known.store !== store)
      throw new SkerryError(
        'subscription_taken',
        `${this.#file}: subscription ${subscription} belongs to another store (${known.store}, not ${store}); ` +
          'choose another name, or forget the subscription if that store is gone',
      )
    const before = known ? { ...known.marks } : undefined
    const reader = known ?? { store, marks: {}, changed: true }
    if (!known) this.#readers.set(subscription, reader)
    raise(reader, marks)
    this.save()
    return { marks: before }
  }

  forget(subscription: string): void {
    if (!this.#readers.delete(subscription))
      throw new SkerryError(
        'not_found',
        `${this.#file}: there is no subscription ${subscription}; \`status\` lists them`,
      )
    this.#db.prepare('delete from reader where subscription = ?').run(subscription)
  }

  /** Marks of unknown subscriptions are of forgotten ones: they stay forgotten. */
  acknowledge(all: AllMarks): void {
    for (const [subscription, marks] of Object.entries(all)) {
      const reader = this.#readers.get(subscription)
      if (reader && raise(reader, marks)) this.#lazy = true
    }
  }

  save(): void {
    this.#saving = true
    const put = this.#db.prepare(
      'insert into reader values (?, ?, ?) on conflict (subscription) do update set marks = excluded.marks',
    )
    for (const [subscription, reader] of this.#readers) {
      if (!reader.changed) continue
      put.run(subscription, reader.store, JSON.stringify(reader.marks))
    }
  }

  /** After every commit: what was saved in it is durable now. */
  committed(): void {
    if (!this.#saving) return
    for (const reader of this.#readers.values()) reader.changed = false
    this.#lazy = false
    this.#saving = false
  }

  /** After a rollback. Marks that were acknowledged are kept. */
  reload(): void {
    const before = this.#readers
    this.#readers = new Map()
    this.#saving = false
    this.#load()
    for (const [subscription, { marks }] of before) this.acknowledge({ [subscription]: marks })
  }

  #load(): void {
    const rows = this.#db.prepare('select subscription, store, marks from reader').all()
    for (const { subscription, store, marks } of rows)
      this.#readers.set(String(subscription), {
        store: String(store),
        marks: JSON.parse(String(marks)),
        changed: false,
      })
  }
}

/** A mark never moves back. */
function raise(reader: Reader, marks: Marks): boolean {
  let raised = false
  for (const [stream, mark] of Object.entries(marks)) {
    if (mark <= (reader.marks[stream] ?? -1)) continue
    reader.marks[stream] = mark
    reader.changed = true
    raised = true
  }
  return raised
}
