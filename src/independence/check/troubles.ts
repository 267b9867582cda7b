import { messageOf } from '../../errors.ts'
import type { Job } from './job.ts'

/** Why nothing can be said about a handler. */
export interface Trouble {
  readonly kind: 'unanswered' | 'outside' | 'ambient' | 'hangs' | 'memory' | 'changing' | 'throws'
  /** As the end of a sentence that begins with the handler. */
  readonly what: string
  /** `service.ts:31`, or ''. */
  readonly site: string
}

export interface Named extends Trouble {
  readonly reader: string
  readonly type: string
}

/** Events that a handler may refuse before it is thought to refuse all. */
const mostThrown = 40

/** Who runs now, and what was found out about whom. */
export class Troubles {
  #current: Job | undefined
  readonly #found = new Map<string, Named>()
  /** Troubles that are none any more once the handler comes to its end. */
  readonly #whileThrowing = new Map<string, Named>()
  /** How often each handler has thrown, until it comes to its end for once. */
  readonly #thrown = new Map<string, number>()

  get current(): Job | undefined {
    return this.#current
  }

  get all(): readonly Named[] {
    return [...this.#found.values(), ...this.#whileThrowing.values()]
  }

  /** The first trouble with a handler. */
  with(reader: string, type: string): Named | undefined {
    return this.all.find((trouble) => trouble.reader === reader && trouble.type === type)
  }

  /** It was seen to wait for what does not come: to run it again would only take time. */
  isStuck({ reader, type }: Pick<Job, 'reader' | 'type'>): boolean {
    return this.all.some((one) => one.kind === 'hangs' && one.reader === reader && one.type === type.label)
  }

  ended({ reader, type }: Job): void {
    const name = `${reader} ${type.label}`
    this.#thrown.set(name, Number.NEGATIVE_INFINITY)
    this.#whileThrowing.delete(name)
  }

  /** Some events are refused as they should be; of a handler that refuses all of them nothing can be said. */
  threw(job: Job, error: unknown, site: () => string): void {
    const name = `${job.reader} ${job.type.label}`
    const times = (this.#thrown.get(name) ?? 0) + 1
    this.#thrown.set(name, times)
    if (times !== mostThrown || this.with(job.reader, job.type.label)) return
    this.#whileThrowing.set(name, {
      ...{ reader: job.reader, type: job.type.label, kind: 'throws', site: site() },
      what: `throws whatever it is given: ${messageOf(error).split('\n')[0]}`,
    })
  }

  note(job: Pick<Job, 'reader' | 'type'>, trouble: Trouble): void {
    const type = job.type.label
    const name = `${job.reader} ${type} ${trouble.kind} ${trouble.what}`
    // That it changes is no news where it is known what it keeps.
    const isKnown =
      trouble.kind === 'changing' &&
      this.all.some((one) => one.kind === 'memory' && one.reader === job.reader && one.type === type)
    if (!isKnown && !this.#found.has(name)) this.#found.set(name, { ...trouble, reader: job.reader, type })
  }

  /** It goes on after others ran. */
  resume(job: Job): void {
    this.#current = job
  }

  async during<T>(job: Job, work: () => Promise<T>): Promise<T> {
    const around = this.#current
    this.#current = job
    try {
      return await work()
    } finally {
      this.#current = around
    }
  }
}
