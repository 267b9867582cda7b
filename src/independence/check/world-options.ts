import type { Authored } from '../../flow/handler.ts'
import type { Invariants } from './invariants.ts'
import type { Job } from './job.ts'
import type { OutsideStubs } from './outside.ts'

/** One of the two functions of a handler. */
export type Running = Authored

export interface WorldOptions {
  readonly stubs?: OutsideStubs
  readonly invariants?: Invariants
  readonly eventually?: Invariants
  /** Handlers that are not to be run, as `reader type`. */
  readonly withhold?: ReadonlyMap<string, string>
  /** Where a function stands: `orders/service.ts:12`, or ''. */
  readonly locate?: ((fn: Running) => string) | undefined
  /** Told of each step before it begins. */
  readonly onStep?: (job: Job) => void
}

/** A `handle` that is under way while others read. */
export interface Open {
  readonly before: number
  readonly done: [template: TemplateStringsArray, values: readonly unknown[]][]
}
