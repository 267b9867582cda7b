/** From outcomes to rows and verdicts. Pure. */
import type { Condition } from './plan.ts'
import type { Hotspot } from './profile.ts'
import { median, pairedRatios, type Spread, spread } from './statistics.ts'
import type { Bound, Contender, Durability, Metric, Outcome, Scenario, Target } from './types.ts'

export interface Sample {
  readonly contender: string
  readonly condition: Condition
  readonly round: number
  readonly outcome: Outcome
}

/** A contender that did not run, or did not finish, and why. */
export interface Absence {
  readonly contender: string
  readonly reason: string
  /** It ran and failed; otherwise something that it needs is not there. */
  readonly failed: boolean
}

export interface Row {
  readonly contender: string
  readonly durability: Durability
  readonly runs: number
  readonly lost: number
  readonly duplicates: number
  readonly maxRssMb: number
  readonly rate: Spread
  readonly p50Us?: Spread
  readonly p99Us?: Spread
  readonly pairs?: Pairs
  readonly figures?: Readonly<Record<string, Spread>>
  /**
   * This row's median to that of the scenario's reference: of the rate, or of p50 where latency is shown. Where blocks are, it is
   * the median of the ratios of rates within each round.
   */
  readonly toReference?: number
  readonly notes: readonly string[]
}

/** Healthy events' p99 in the three conditions, and the ratios within each round. */
export interface Pairs {
  readonly cleanUs: Spread
  readonly sickUs: Spread
  readonly sickToClean: Spread
  /** Clean against clean: what noise alone does to the ratio. */
  readonly againToClean: Spread
}

export interface Verdict {
  readonly target: Target
  readonly value: number | undefined
  /** Undefined where it could not be measured. */
  readonly met: boolean | undefined
}

export interface ScenarioReport {
  readonly scenario: Scenario
  readonly rows: readonly Row[]
  readonly verdicts: readonly Verdict[]
  readonly absences: readonly Absence[]
  readonly samples: readonly Sample[]
  /** Processes that wanted to run in the minute before it, on average. */
  readonly load?: number
  /** Of contenders that missed a target. */
  readonly profiles?: readonly Profiled[]
}

/** Where the time of a contender goes. */
export interface Profiled {
  readonly contender: string
  readonly hotspots: readonly Hotspot[]
}

export function summarize(
  scenario: Scenario,
  samples: readonly Sample[],
  absences: readonly Absence[],
): ScenarioReport {
  const bare = scenario.contenders.flatMap((contender) => rowOf(scenario, contender, samples) ?? [])
  const reference = bare.find((row) => row.contender === scenario.reference)
  const rows = bare.map((row) => ({ ...row, ...compared(scenario, row, reference, samples) }))
  const verdicts = scenario.targets.map((target) => judge(target, rows, samples))
  return { scenario, rows, verdicts, absences, samples }
}

export function holds(bound: Bound, value: number): boolean {
  if ('atLeast' in bound) return value >= bound.atLeast
  if ('atMost' in bound) return value <= bound.atMost
  return value < bound.below
}

/** Events per second of one run. */
export function rateOf(outcome: Outcome): number {
  return (outcome.events / outcome.elapsedMs) * 1_000
}

function rowOf(scenario: Scenario, contender: Contender, samples: readonly Sample[]): Row | undefined {
  const own = samples.filter((sample) => sample.contender === contender.name)
  if (own.length === 0) return undefined
  const outcomes = own.map((sample) => sample.outcome)
  const clean = own.filter((sample) => sample.condition === 'clean').map((sample) => sample.outcome)
  const p50s = clean.flatMap((outcome) => outcome.p50Us ?? [])
  const p99s = clean.flatMap((outcome) => outcome.p99Us ?? [])
  const figures = figuresOf(outcomes)
  const pairs = scenario.shows === 'pairs' ? pairsOf(own) : undefined
  return {
    contender: contender.name,
    durability: contender.durability,
    runs: own.length,
    lost: sum(outcomes.map((outcome) => outcome.lost)),
    duplicates: sum(outcomes.map((outcome) => outcome.duplicates)),
    maxRssMb: Math.max(...outcomes.map((outcome) => outcome.maxRssMb)),
    rate: spread(outcomes.map(rateOf)),
    ...(p50s.length > 0 && { p50Us: spread(p50s) }),
    ...(p99s.length > 0 && { p99Us: spread(p99s) }),
    ...(pairs !== undefined && { pairs }),
    ...(Object.keys(figures).length > 0 && { figures }),
    notes: [...new Set(outcomes.flatMap((outcome) => outcome.notes ?? []))],
  }
}

function pairsOf(samples: readonly Sample[]): Pairs | undefined {
  const p99s = (condition: Condition): (number | undefined)[] => {
    const byRound: (number | undefined)[] = []
    for (const sample of samples) if (sample.condition === condition) byRound[sample.round] = sample.outcome.p99Us
    return byRound
  }
  const [clean, sick, again] = [p99s('clean'), p99s('sick'), p99s('again')]
  const sickToClean = pairedRatios(sick, clean)
  const againToClean = pairedRatios(again, clean)
  if (sickToClean.length === 0 || againToClean.length === 0) return undefined
  return {
    cleanUs: spread(present(clean)),
    sickUs: spread(present(sick)),
    sickToClean: spread(sickToClean),
    againToClean: spread(againToClean),
  }
}

function figuresOf(outcomes: readonly Outcome[]): Record<string, Spread> {
  const names = new Set(outcomes.flatMap((outcome) => Object.keys(outcome.figures ?? {})))
  const entries = [...names].map((name) => [name, spread(present(outcomes.map((o) => o.figures?.[name])))] as const)
  return Object.fromEntries(entries)
}

function compared(
  scenario: Scenario,
  row: Row,
  reference: Row | undefined,
  samples: readonly Sample[],
): { toReference?: number } {
  if (scenario.shows === 'blocks') {
    const inPairs = reference && blockRatio(samples, 'rate', row.contender, reference.contender)
    return inPairs === undefined ? {} : { toReference: inPairs }
  }
  const metric = scenario.shows === 'latency' ? 'p50Us' : 'rate'
  const value = row[metric]?.median
  const other = reference?.[metric]?.median
  return value === undefined || other === undefined ? {} : { toReference: value / other }
}

/** Median of the ratios of two contenders within each round: a slow round is slow for both. */
function blockRatio(
  samples: readonly Sample[],
  metric: 'rate' | 'cpuUs',
  contender: string,
  reference: string,
): number | undefined {
  const byRound = (name: string): (number | undefined)[] => {
    const values: (number | undefined)[] = []
    for (const { contender: whose, round, outcome } of samples)
      if (whose === name) values[round] = metric === 'rate' ? rateOf(outcome) : outcome.figures?.cpuUs
    return values
  }
  const ratios = pairedRatios(byRound(contender), byRound(reference))
  return ratios.length === 0 ? undefined : median(ratios)
}

function judge(target: Target, rows: readonly Row[], samples: readonly Sample[]): Verdict {
  const row = rows.find((candidate) => candidate.contender === target.contender)
  const value = row === undefined ? undefined : targetValue(target, row, rows, samples)
  return { target, value, met: value === undefined ? undefined : holds(target, value) }
}

function targetValue(target: Target, row: Row, rows: readonly Row[], samples: readonly Sample[]): number | undefined {
  if (target.kind === 'blocks') return blockRatio(samples, target.metric, target.contender, target.reference)
  if (target.kind === 'figure') return row.figures?.[target.figure]?.median
  if (target.kind === 'paired') return row.pairs?.sickToClean.median
  const own = medianOf(row, target.metric)
  const reference = rows.find((candidate) => candidate.contender === target.reference)
  const other = reference === undefined ? undefined : medianOf(reference, target.metric)
  return own === undefined || other === undefined ? undefined : own / other
}

function medianOf(row: Row, metric: Metric): number | undefined {
  return row[metric]?.median
}

function present(values: readonly (number | undefined)[]): number[] {
  return values.filter((value) => value !== undefined)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
