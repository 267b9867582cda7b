import { SkerryError } from '../../errors.ts'
import type { Position } from '../../event.ts'
import type { ReaderStatus, Registered, Registration } from '../bus.ts'
import { isOutdated } from './failures.ts'
import type { Log } from './log.ts'
import { readerFilter, readerSubject } from './names.ts'

type Marks = Readonly<Record<string, Position>>

/** A registered reader, as one message of the registry: the last of its subject counts. */
interface Entry {
  readonly subscription: string
  readonly store: string
  readonly marks: Marks
}

/** The registered readers and their marks. Every change is refused by the server when somebody else changed it first. */
export class Registry {
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  async register({ subscription, store, marks }: Registration): Promise<Registered> {
    let before: Marks | undefined
    await this.#change(subscription, (known) => {
      if (known && known.store !== store) throw this.#taken(known, store)
      before = known?.marks
      return { subscription, store, marks: raised(known?.marks ?? {}, marks) ?? known?.marks ?? marks }
    })
    return { marks: before }
  }

  async forget(subscription: string): Promise<void> {
    const { link, names } = this.#log
    const subject = readerSubject(names, subscription)
    if (!(await this.#log.last(subject, 'registry')))
      throw new SkerryError(
        'not_found',
        `${link.where}: there is no subscription ${subscription}; \`status\` lists them`,
      )
    await this.#log.remove(subject)
  }

  /** Marks of unknown subscriptions are of forgotten ones: they stay forgotten. */
  async acknowledge(subscription: string, marks: Marks): Promise<void> {
    await this.#change(subscription, (known) => {
      const higher = known && raised(known.marks, marks)
      return known && higher && { ...known, marks: higher }
    })
  }

  async readers(): Promise<ReaderStatus[]> {
    const found = new Map<string, Entry>()
    await this.#log.scan('registry', readerFilter(this.#log.names), 1, ({ message }) => {
      const entry = message.json<Entry>()
      found.set(entry.subscription, entry)
      return true
    })
    return [...found.values()].sort((a, b) => (a.subscription < b.subscription ? -1 : 1))
  }

  /** Writes what `work` makes of the entry, unless that is nothing or the same. */
  async #change(subscription: string, work: (known: Entry | undefined) => Entry | undefined): Promise<void> {
    const subject = readerSubject(this.#log.names, subscription)
    await this.#log.link.ask(async () => {
      for (;;) {
        const message = await this.#log.last(subject, 'registry')
        const known = message ? message.json<Entry>() : undefined
        const next = work(known)
        if (!next || next === known) return
        try {
          await this.#log.put(subject, JSON.stringify(next), message?.seq ?? 0)
          return
        } catch (error) {
          if (!isOutdated(error)) throw error
        }
      }
    })
  }

  #taken(known: Entry, store: string): SkerryError {
    return new SkerryError(
      'subscription_taken',
      `${this.#log.link.where}: subscription ${known.subscription} belongs to another store (${known.store}, not ${store}); ` +
        'choose another name, or forget the subscription if that store is gone',
    )
  }
}

/** A mark never moves back. Undefined when none moved. */
function raised(known: Marks, marks: Marks): Marks | undefined {
  const higher = Object.entries(marks).filter(([stream, mark]) => mark > (known[stream] ?? -1))
  return higher.length === 0 ? undefined : { ...known, ...Object.fromEntries(higher) }
}
