/** What the parts of the benchmark tell one another. */

import type { Durability, ServerAddress, ServerName } from '../test/servers/kinds.ts'

export type { Durability, ServerAddress, ServerName } from '../test/servers/kinds.ts'

export type Options = Readonly<Record<string, string | number | boolean>>

/** What a contender's program is told, as JSON in its first argument. */
export interface Run {
  readonly scenario: string
  readonly contender: string
  /** A name of this run's own, for what it makes on servers that other runs use as well. Letters and digits. */
  readonly app: string
  /** `sick` only in `isolation`: some events are poison or slow, see `workload.ts`. */
  readonly variant: 'clean' | 'sick'
  readonly durability: Durability
  readonly events: number
  /** Fixed rate in events per second, in paced scenarios; 0 means as fast as possible. */
  readonly perSecond: number
  /** An empty folder of this run's own, removed afterwards. */
  readonly folder: string
  readonly servers: Readonly<Partial<Record<ServerName, ServerAddress>>>
  readonly options: Options
}

/** What a contender measured. */
export interface Measured {
  readonly events: number
  readonly elapsedMs: number
  readonly lost: number
  readonly duplicates: number
  readonly p50Us?: number
  readonly p99Us?: number
  /** Highest resident memory of the contender's own process; filled in if absent. Servers are not counted. */
  readonly maxRssMb?: number
  /** Named figures of scenarios that are judged by something else than a rate or a latency. */
  readonly figures?: Readonly<Record<string, number>>
  readonly notes?: string
}

/** The one JSON line that a contender's program prints. */
export interface Outcome extends Measured {
  readonly name: string
  readonly maxRssMb: number
}

export interface Contender {
  /** Unique within its scenario. */
  readonly name: string
  /** Its program, relative to `bench/`; it calls `contend` of `contender.ts`. */
  readonly program: string
  readonly durability: Durability
  readonly events: number
  /** Servers started afresh for each of its runs, unless the scenario keeps them. */
  readonly servers?: readonly ServerName[]
  /** At most so many rounds, where showing it beside the others is all that is wanted. */
  readonly maxRounds?: number
  readonly options?: Options
  /** In a scenario of blocks: who answers it, and who stands in between, each after those that it needs. */
  readonly beside?: readonly string[]
}

export type Metric = 'rate' | 'p50Us' | 'p99Us'

/**
 * A bound on a contender, as the ratio to another, as the paired ratio sick to clean, on a figure of its own, or as the median of
 * the ratios to another in the same round: of the rate, or of the CPU time that all who work for it take for one call.
 */
export type Target = Bound & { readonly contender: string } & (
    | { readonly kind: 'ratio'; readonly metric: Metric; readonly reference: string }
    | { readonly kind: 'paired'; readonly metric: Metric }
    | { readonly kind: 'figure'; readonly figure: string }
    | { readonly kind: 'blocks'; readonly metric: 'rate' | 'cpuUs'; readonly reference: string }
  )

export type Bound =
  | { readonly atLeast: number }
  | { readonly atMost: number }
  /** Strictly less, as in "p50 below JetStream's". */
  | { readonly below: number }

export interface Blocks {
  /** Calls under way at a time. */
  readonly inFlight: number
  /** How long a turn takes. */
  readonly ms: number
}

export interface Scenario {
  readonly name: string
  /** Scenarios that are asked for together, by this name. */
  readonly group?: string
  readonly title: string
  /** Which columns its table has. */
  readonly shows: 'rate' | 'latency' | 'pairs' | 'figures' | 'blocks'
  /** The contender that every row's ratio is taken to. */
  readonly reference?: string
  /**
   * Servers are started once and serve all runs: for those that take seconds to start. Each run has an application name of
   * its own there.
   */
  readonly keepsServers?: boolean
  /** Contenders stay up together and take turns, instead of having a process and servers for each run. */
  readonly blocks?: Blocks
  /** Part of the default run. */
  readonly core: boolean
  readonly rounds: number
  readonly perSecond: number
  /** Longest time of one run, in seconds. */
  readonly timeoutS: number
  readonly contenders: readonly Contender[]
  readonly targets: readonly Target[]
}
