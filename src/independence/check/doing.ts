import { SkerryError } from '../../errors.ts'
import type { EventRecord } from '../../event.ts'
import type { Write } from '../../store/sqlite/observed/access.ts'
import type { Footprint } from './footprint.ts'

/** How a step is run. */
export interface How {
  /** Which of two processes of the service runs it, 0 or 1: they remember apart. @default 0 */
  readonly instance?: number
  /** The first of its operations that is made to fail, from 0; all later ones fail, too, and at the latest its end. */
  readonly failAt?: number
  /** Rolled back although it went well, as when another one of its batch cannot be committed. */
  readonly undo?: boolean
  /** Awaited within the step, at each of its places, by number from 0: others may be moved on there. */
  readonly between?: (place: number) => Promise<void>
}

/** What a call did that a step made: it stays, whatever becomes of the step. */
export interface Called {
  /** The service that answered. */
  readonly service: string
  readonly emitted: readonly EventRecord[]
  readonly writes: readonly Write[]
}

/** What a step came to. */
export type Step = {
  readonly footprint: Footprint
  readonly emitted: readonly EventRecord[]
  /** How many things it did, or tried to: statements, publications, outside work. */
  readonly operations: number
  /** How many places it has at which others may come in between. */
  readonly places: number
  /** In their order, those that they made in turn included. */
  readonly called?: readonly Called[]
} & (
  | { readonly outcome: 'done'; readonly prepared?: unknown }
  | { readonly outcome: 'failed'; readonly error: unknown }
)

/** Counts what a step does, makes it fail at the place that is asked for, and stops it at each where it is to be stopped. */
export class Doing {
  operations = 0
  places = 0
  readonly #failAt: number
  readonly #undo: boolean
  readonly #between: ((place: number) => Promise<void>) | undefined

  constructor({ failAt, undo = false, between }: How) {
    this.#failAt = failAt ?? Number.POSITIVE_INFINITY
    this.#undo = undo
    this.#between = between
  }

  /** Something is about to be done. */
  next(): Promise<void> | void {
    if (this.operations++ >= this.#failAt) throw madeToFail()
    return this.place()
  }

  /** Somewhere that others may come in between: before each operation, and between a result and what is made of it. */
  place(): Promise<void> | void {
    return this.#between?.(this.places++)
  }

  /** Everything is done: what was to fail fails now at the latest. */
  end(): void {
    if (this.#undo || this.operations >= this.#failAt) throw madeToFail()
  }
}

/** Without a stack, which nobody reads and which would cost more than the step. */
function madeToFail(): SkerryError {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return new SkerryError('unavailable', 'made to fail here, to see what is left')
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}
