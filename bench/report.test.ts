import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Condition } from './plan.ts'
import { holds, type Sample, type ScenarioReport, summarize } from './report.ts'
import type { Outcome, Scenario, Target } from './types.ts'

const FULL = 'FULL' as const

function scenario(shows: Scenario['shows'], targets: readonly Target[]): Scenario {
  const contender = (name: string) => ({ name, program: 'x.ts', durability: FULL, events: 1_000 })
  const contenders = [contender('limit'), contender('skerry')]
  return {
    name: 'x',
    title: 'x',
    shows,
    reference: 'limit',
    core: true,
    rounds: 5,
    perSecond: 0,
    timeoutS: 1,
    contenders,
    targets,
  }
}

function sample(contender: string, round: number, outcome: Partial<Outcome>, condition: Condition = 'clean'): Sample {
  const measured = { events: 1_000, elapsedMs: 1_000, lost: 0, duplicates: 0, maxRssMb: 1, ...outcome }
  return { contender, condition, round, outcome: { name: contender, ...measured } }
}

function verdict(report: ScenarioReport, index = 0): [number | undefined, boolean | undefined] {
  return [report.verdicts[index]?.value, report.verdicts[index]?.met]
}

const half: Target = { kind: 'ratio', contender: 'skerry', metric: 'rate', reference: 'limit', atLeast: 0.5 }

test('a target on a rate compares the medians of both contenders', () => {
  const limit = [100, 1_000, 50].map((elapsedMs, round) => sample('limit', round, { elapsedMs }))
  const skerry = [200, 160, 5_000].map((elapsedMs, round) => sample('skerry', round, { elapsedMs }))
  const report = summarize(scenario('rate', [half]), [...limit, ...skerry], [])
  assert.deepEqual(verdict(report), [0.5, true])
  assert.equal(report.rows[1]?.toReference, 0.5)
})

test('a target below its bound is missed', () => {
  const samples = [sample('limit', 0, { elapsedMs: 100 }), sample('skerry', 0, { elapsedMs: 201 })]
  assert.equal(verdict(summarize(scenario('rate', [half]), samples, []))[1], false)
})

test('a target whose contender or reference did not run is neither met nor missed', () => {
  assert.deepEqual(verdict(summarize(scenario('rate', [half]), [sample('limit', 0, {})], [])), [undefined, undefined])
  assert.deepEqual(verdict(summarize(scenario('rate', [half]), [sample('skerry', 0, {})], [])), [undefined, undefined])
})

test('losses and duplicates are added up over all runs', () => {
  const samples = [sample('skerry', 0, { lost: 1 }), sample('skerry', 1, { duplicates: 2 }), sample('skerry', 2, {})]
  const row = summarize(scenario('rate', []), samples, []).rows[0]
  assert.deepEqual([row?.lost, row?.duplicates, row?.runs], [1, 2, 3])
})

test('a paired target takes the median of the ratios within each round, not the ratio of medians', () => {
  const paired: Target = { kind: 'paired', contender: 'skerry', metric: 'p99Us', atMost: 1.2 }
  const rounds = [
    { clean: 100, sick: 110, again: 101 },
    { clean: 400, sick: 420, again: 440 },
    { clean: 200, sick: 500, again: 190 },
  ]
  const samples = rounds.flatMap(({ clean, sick, again }, round) => [
    sample('skerry', round, { p99Us: clean }, 'clean'),
    sample('skerry', round, { p99Us: sick }, 'sick'),
    sample('skerry', round, { p99Us: again }, 'again'),
  ])
  const report = summarize(scenario('pairs', [paired]), samples, [])
  assert.deepEqual(verdict(report), [1.1, true])
  assert.equal(report.rows[0]?.pairs?.againToClean.median, 1.01)
})

test('a figure is judged by its own median', () => {
  const figure: Target = { kind: 'figure', contender: 'skerry', figure: 'startMs', below: 1_000 }
  const samples = [900, 1_100, 950].map((startMs, round) => sample('skerry', round, { figures: { startMs } }))
  assert.deepEqual(verdict(summarize(scenario('figures', [figure]), samples, [])), [950, true])
})

test('blocks are compared round by round, by rate and by CPU time, and the median of the ratios counts', () => {
  const targets: Target[] = [
    { kind: 'blocks', contender: 'skerry', metric: 'rate', reference: 'limit', atLeast: 0.9 },
    { kind: 'blocks', contender: 'skerry', metric: 'cpuUs', reference: 'limit', atMost: 1.1 },
  ]
  // A slow round is slow for both: by medians alone it would be 100 to 110.
  const rounds = [
    { limit: { events: 100, figures: { cpuUs: 10 } }, skerry: { events: 110, figures: { cpuUs: 12 } } },
    { limit: { events: 10, figures: { cpuUs: 40 } }, skerry: { events: 8, figures: { cpuUs: 40 } } },
    { limit: { events: 200, figures: { cpuUs: 10 } }, skerry: { events: 160, figures: { cpuUs: 13 } } },
  ]
  const samples = rounds.flatMap(({ limit, skerry }, round) => [
    sample('limit', round, limit),
    sample('skerry', round, skerry),
  ])
  const report = summarize(scenario('blocks', targets), samples, [])
  assert.deepEqual(verdict(report), [0.8, false])
  assert.deepEqual(verdict(report, 1), [1.2, false])
  assert.deepEqual([report.rows[0]?.toReference, report.rows[1]?.toReference], [1, 0.8])
})

test('bounds: at least and at most include their number, below does not', () => {
  assert.ok(holds({ atLeast: 2 }, 2))
  assert.ok(holds({ atMost: 2 }, 2))
  assert.ok(!holds({ below: 2 }, 2))
})
