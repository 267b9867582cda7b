import type { Invocation } from '../../call.ts'
import type { AnyContract } from '../../contract.ts'

/** Whoever answers the calls of one contract: a server needs to know no more. */
export interface Callee {
  readonly contract: AnyContract
  /** Resolves with the JSON of the output; rejects with a `SkerryError`, or with whatever a handler threw. */
  invoke(invocation: Invocation): Promise<string>
}
