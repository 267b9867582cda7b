import { AsyncLocalStorage } from 'node:async_hooks'
import { SkerryError } from './errors.ts'
import type { Handler } from './flow/handler.ts'

/** What one running instance of a service remembers: a value for each declared memory, in the order of declaration. */
export interface Remembered {
  values: object[]
  /** How often a handler asked for any of them. */
  uses: number
}

/** Gives the value of the instance that runs; throws `invalid_config` outside of its handlers. */
export type Memory<T extends object> = () => T

/**
 * The memories that a service declared. Each running instance has values of its own; which instance runs is known by the
 * chain of calls that a handler began, so that copies of a service within one process do not share them.
 */
export class Memories {
  readonly #service: string
  readonly #makes: (() => object)[] = []
  readonly #running = new AsyncLocalStorage<Remembered>()

  constructor(service: string) {
    this.#service = service
  }

  get declared(): boolean {
    return this.#makes.length > 0
  }

  declare<T extends object>(make: () => T): Memory<T> {
    const at = this.#makes.push(make) - 1
    return () => {
      const remembered = this.#running.getStore()
      if (!remembered)
        throw new SkerryError(
          'invalid_config',
          `${this.#service}: its memory was asked for outside of a handler; only handlers of a running service have one`,
        )
      remembered.uses++
      // Declared after the start: made when it is first asked for.
      remembered.values[at] ??= make()
      return remembered.values[at] as T
    }
  }

  /** Everything made anew, as at a start. */
  fresh(): Remembered {
    return { values: this.#makes.map((make) => make()), uses: 0 }
  }

  /** Runs work, and whatever it awaits, as that instance. */
  as<T>(instance: Remembered, work: () => T): T {
    return this.#running.run(instance, work)
  }

  /** A handler of that instance. */
  bind(handler: Handler, instance: Remembered): Handler {
    const { prepare } = handler
    return {
      ...handler,
      ...(prepare && { prepare: (ctx, event) => this.as(instance, () => prepare.call(handler, ctx, event)) }),
      handle: (tx, event, prepared) => this.as(instance, () => handler.handle(tx, event, prepared)),
    }
  }
}
