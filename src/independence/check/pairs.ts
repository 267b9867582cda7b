import { seededRandom } from '../../ids.ts'
import type { Place } from './job.ts'
import { examine, type Finding, type Findings, type Level, levels } from './levels.ts'
import type { Opaque, Told } from './observed.ts'
import type { System } from './system.ts'
import { type Pair, type Trial, Trials, waiting } from './trial.ts'

/** So many trials that touched a common row, without a difference, make a pair independent. */
export const enough = 40
/** So many states at most, for each pair. */
export const mostAttempts = 300
/** So many pairs of events are tried in each state; only one of them counts as a trial. */
export const eachState = 3
/** Trials go on while there is something new: so many must have shown nothing but what was gone through before. */
const quiet = 15
/** So many touching trials at most. */
const plenty = 120
/** Attempts after which a state that never came about is given up. */
const mostMisses = 30

/** How much was tried for one level of one pair, and what was found. */
export interface Tally {
  trials: number
  touched: number
  /** Of `touched`: where the application comes by itself. */
  reached: number
  found: Found | undefined
}

/** A trial in which something differed. */
export interface Found {
  readonly pair: Pair
  readonly number: number
  readonly trial: Trial
  readonly level: Level
  /** What goes wrong happens to b of the pair. */
  readonly turned: boolean
  readonly bound: boolean
  readonly differ: readonly [Told, Told]
}

/** What is asked of a pair; of one whose events differ, what goes wrong happens to either. */
export type Asked = Level | `${Level} turned`

export interface PairResult {
  readonly pair: Pair
  /** As the subscription's order has it, and as if there were none. */
  readonly contract: Map<Asked, Tally>
  readonly unordered: Map<Asked, Tally>
  readonly shared: Set<string>
  /** Trials in which publish order bound the two. */
  bound: number
  /** Trials in which neither order let both succeed, nor decided who did. */
  failed: number
  /** Every statement that either handler can come to ran. */
  ranAll: boolean
  /** All that was gone through, by the statements that ran and what they found. */
  readonly ways: Set<string>
  /** Touching trials since something was gone through for the first time. */
  quiet: number
}

/** Trials of one pair are numbered within this many: the number says which pair it was. */
const numbersEach = 1000
/** More than twice as many as there are levels: the rest of an example's number says which, and which way round. */
const levelsEach = 32

/** What an example's number says. */
interface ExampleNumber {
  readonly ordinal: number
  readonly attempt: number
  readonly trial: number
  readonly level: Level | undefined
  readonly turned: boolean
}

export function readNumber(number: number): ExampleNumber {
  const trial = Math.floor(number / levelsEach)
  const attempt = Math.floor((trial % numbersEach) / eachState)
  return { ordinal: Math.floor(trial / numbersEach), attempt, trial, ...levelOf(number % levelsEach) }
}

function levelOf(rest: number): { level: Level | undefined; turned: boolean } {
  return { level: levels[rest % (levelsEach / 2)], turned: rest >= levelsEach / 2 }
}

export interface PairOptions {
  readonly hidden: Opaque
  /** Of the pair, among all: makes trials different ones, and the same again. */
  readonly ordinal: number
}

export async function checkPair(system: System, pair: Pair, options: PairOptions): Promise<PairResult> {
  const result: PairResult = {
    ...{ pair, contract: new Map(), unordered: new Map(), shared: new Set(), bound: 0, failed: 0 },
    ...{ ranAll: false, ways: new Set(), quiet: 0 },
  }
  const { statements } = system.world
  statements.begin()
  const trials = new Trials(system, pair)
  const misses = { reached: 0, possible: 0 }
  const asksInvariants = system.world.hasInvariants
  for (let attempt = 0; attempt < mostAttempts && !isEnough(result, trials, misses, asksInvariants); attempt++) {
    const mode = modeOf(attempt, trials, misses)
    const told: Tried[] = []
    // Handlers that ran whole and have no table in common are not going to meet in this state either.
    const most = result.ranAll && result.shared.size === 0 ? 1 : eachState
    for await (const one of trialsIn(system, trials, options, attempt, mode)) {
      if (one.findings.changing) noteChanging(system, pair)
      told.push(one)
      if (told.length === most) break
    }
    misses[mode] = told.length > 0 ? 0 : misses[mode] + 1
    count(result, told)
    result.ranAll ||= statements.hasRunAll(pair.a) && statements.hasRunAll(pair.b)
  }
  return result
}

function noteChanging(system: System, { a, b }: Pair): void {
  for (const place of [a, b])
    system.world.troubles.note(place, {
      kind: 'changing',
      what: 'comes to something else when it runs again on the same state: something beside store and event decides',
      site: '',
    })
}

type Misses = { readonly reached: number; readonly possible: number }

/** Where events come from inside, every second trial makes them up: what cannot be reached may still be possible. */
function modeOf(attempt: number, trials: Trials, misses: Misses): 'reached' | 'possible' {
  if (trials.direct) return 'reached'
  return attempt % 2 === 0 && misses.reached < mostMisses ? 'reached' : 'possible'
}

/** What one trial came to. */
interface Tried {
  /** Of the trial. */
  readonly number: number
  readonly trial: Trial
  readonly findings: Findings
}

/** The trials of one state, about each of which its number alone decides. */
export async function* trialsIn(
  system: System,
  trials: Trials,
  { ordinal, hidden }: PairOptions,
  attempt: number,
  mode: 'reached' | 'possible',
): AsyncGenerator<Tried> {
  const events = system.events(`${ordinal} ${attempt} ${mode}`)
  for (let at = 0; at < eachState; at++) {
    const trial = at === 0 ? await trials.make(events, mode) : await trials.another()
    const both = trial && waiting(system.flow, trial)
    if (!both) continue
    const number = ordinal * numbersEach + attempt * eachState + at
    const random = seededRandom(`${system.options.seed} ${number} faults`)
    const some = (faults: number, most: number): number[] => {
      const left = [...Array(faults).keys()]
      while (left.length > most) left.splice(Math.floor(random() * left.length), 1)
      return left
    }
    yield { number, trial, findings: await examine(system.flow, both, hidden, some, at === 0) }
  }
}

function isEnough(result: PairResult, trials: Trials, misses: Misses, asksInvariants: boolean): boolean {
  const { contract, unordered, shared, bound } = result
  if (asksInvariants && (unordered.get('invariant')?.trials ?? 0) < enough) return false
  const tally = contract.get('commuting')
  if (!tally) return false
  // Nothing in common, or nothing that order leaves open, after as many trials as would have been needed.
  if (shared.size === 0) return tally.trials >= (result.ranAll ? enough : plenty)
  const nothingNew = result.quiet >= quiet || tally.touched >= plenty
  // Whenever they met, publish order bound them: more of the same says nothing.
  const met = unordered.get('commuting')?.touched ?? 0
  if (tally.touched === 0) return tally.trials >= (nothingNew && met >= plenty / 2 ? plenty : mostAttempts)
  if (trials.direct) return nothingNew && tally.touched >= enough && bound + tally.trials >= enough
  const reached = misses.reached >= mostMisses || tally.reached >= enough
  return nothingNew && reached && tally.touched - tally.reached >= enough
}

/** Levels that ask nothing of the order in which the two events are handled. */
const whateverOrder: ReadonlySet<Level> = new Set(['isolated', 'conflict-free', 'republication'])

/** Counts the trials of one state as one: they are not independent of one another. */
function count(result: PairResult, tried: readonly Tried[]): void {
  const counted = new Set<string>()
  let news = false
  for (const { number, trial, findings } of tried) {
    for (const table of findings.shared) result.shared.add(table)
    if (findings.bound && once(counted, 'bound')) result.bound++
    if (findings.failed && once(counted, 'failed')) result.failed++
    news = news || !result.ways.has(findings.way)
    result.ways.add(findings.way)
    if (findings.failed) continue
    for (const finding of findings.findings)
      for (const as of ['unordered', 'contract'] as const)
        if (as === 'unordered' || !findings.bound || whateverOrder.has(finding.level))
          tell(result, as, { number, trial, findings }, finding, counted)
  }
  if (news) result.quiet = 0
  else if (counted.has('unordered commuting touched')) result.quiet++
}

function tell(
  result: PairResult,
  as: 'unordered' | 'contract',
  { number, trial, findings }: Tried,
  { level, turned = false, touched, differ }: Finding,
  counted: Set<string>,
): void {
  const asked: Asked = turned && !isSame(result.pair) ? `${level} turned` : level
  const tally = result[as].get(asked) ?? { trials: 0, touched: 0, reached: 0, found: undefined }
  result[as].set(asked, tally)
  const name = `${as} ${asked}`
  if (once(counted, name)) tally.trials++
  if (touched && once(counted, `${name} touched`)) tally.touched++
  if (touched && trial.reachable && once(counted, `${name} reached`)) tally.reached++
  if (!differ || (tally.found && (tally.found.trial.reachable || !trial.reachable))) return
  const example = number * levelsEach + (turned ? levelsEach / 2 : 0) + levels.indexOf(level)
  tally.found = { pair: result.pair, number: example, trial, level, turned, bound: findings.bound, differ }
}

/** Two events of one handler: whichever of them something happens to, it is the same question. */
function isSame({ a, b }: Pair): boolean {
  return a.reader === b.reader && a.type.label === b.type.label
}

/** Whether it is there for the first time. */
function once(seen: Set<string>, name: string): boolean {
  const first = !seen.has(name)
  seen.add(name)
  return first
}

/** All pairs of handlers of each service, each once. */
export function pairsOf(places: readonly Place[]): Pair[] {
  return places.flatMap((a, at) => places.slice(at).flatMap((b) => (a.unit === b.unit ? [{ a, b }] : [])))
}
