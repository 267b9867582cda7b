/**
 * Runs a scenario of blocks: everybody stays up, and callers take turns of a fraction of a second, so that a bad second of the
 * machine falls on all of them alike.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BenchOptions } from '../options.ts'
import { clearProfiles, profilesFolder, progress, say } from '../output.ts'
import type { Absence, Sample } from '../report.ts'
import { programOf } from '../runner.ts'
import { type Part, startPart } from '../second.ts'
import type { Blocks, Contender, Outcome, Scenario } from '../types.ts'
import { type Beside, missing, type Standing, stand } from './beside.ts'
import type { Block, Told } from './block.ts'
import { cpuUsOf, twoCores } from './cores.ts'

export interface Ran {
  readonly samples: readonly Sample[]
  readonly absences: readonly Absence[]
}

interface Running {
  readonly contender: Contender
  readonly part: Part
  /** Of all that work for it, the caller first. */
  readonly pids: readonly number[]
  /** What it says beside the figures; empty for nothing. */
  readonly note: string
}

export async function runBlocks(
  scenario: Scenario & { readonly blocks: Blocks },
  contenders: readonly Contender[],
  options: BenchOptions,
  signal: AbortSignal,
): Promise<Ran> {
  const cores = twoCores()
  if (!cores) say('processes are not pinned here: taskset is missing, or there is one core only')
  const folder = await mkdtemp(join(options.folder ?? tmpdir(), 'skerry-bench-'))
  const standing = new Map<Beside, Standing>()
  const absences: Absence[] = []
  const callers: Running[] = []
  try {
    for (const contender of contenders) {
      if (signal.aborted) break
      progress(`${scenario.name}  starting ${contender.name}`)
      const reason = besideOf(contender).map(missing).find(Boolean)
      if (reason !== undefined) {
        absences.push({ contender: contender.name, reason, failed: false })
        continue
      }
      try {
        for (const name of besideOf(contender))
          if (!standing.has(name)) {
            const flags = profiling(scenario.name, name, options)
            standing.set(name, await stand(name, standing, folder, { core: cores?.others, flags }))
          }
        callers.push(await startCaller(scenario, contender, standing, options, cores?.callers))
      } catch (error) {
        absences.push({ contender: contender.name, reason: messageOf(error), failed: true })
      }
    }
    const samples = await inTurns(scenario, callers, absences, options, signal)
    for (const { part } of callers) part.ask(0)
    if (!signal.aborted) await Promise.all(callers.map(({ part }) => part.ended()))
    return { samples, absences }
  } finally {
    for (const { part } of callers) part.kill()
    for (const one of [...standing.values()].reverse()) await one.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function startCaller(
  { name, blocks }: Scenario & { readonly blocks: Blocks },
  contender: Contender,
  standing: ReadonlyMap<Beside, Standing>,
  options: BenchOptions,
  core: number | undefined,
): Promise<Running> {
  const at = Object.fromEntries([...standing].map(([beside, { ports }]) => [beside, ports]))
  const told: Told = { inFlight: blocks.inFlight, at, options: contender.options ?? {} }
  const flags = profiling(name, contender.name, options)
  const part = startPart(programOf(contender), 'caller', told, { core, flags })
  const note = await part.next<string>()
  const others = besideOf(contender).map((beside) => standing.get(beside)?.pid as number)
  return { contender, part, pids: [part.pid, ...others], note }
}

function profiling(scenario: string, whose: string, { profile }: BenchOptions): readonly string[] {
  if (!profile) return []
  clearProfiles(scenario, whose)
  return ['--cpu-prof', `--cpu-prof-dir=${profilesFolder(scenario, whose)}`]
}

async function inTurns(
  { name, blocks, rounds }: Scenario & { readonly blocks: Blocks },
  callers: readonly Running[],
  absences: Absence[],
  options: BenchOptions,
  signal: AbortSignal,
): Promise<Sample[]> {
  const samples: Sample[] = []
  const able = new Set(callers)
  const most = options.runs ?? rounds
  for (let round = 0; round < most; round++) {
    progress(`${name}  ${round + 1}/${most}`)
    for (const running of round % 2 === 0 ? callers : callers.toReversed()) {
      if (signal.aborted) return samples
      if (!able.has(running)) continue
      try {
        const outcome = await block(running, blocks.ms)
        samples.push({ contender: running.contender.name, condition: 'clean', round, outcome })
      } catch (error) {
        able.delete(running)
        absences.push({ contender: running.contender.name, reason: messageOf(error), failed: true })
      }
    }
  }
  return samples
}

/** Before each block, and not counted: while others had the core, what this caller keeps in its caches was pushed out of them. */
const warmUpMs = 50

async function block({ contender, part, pids, note }: Running, ms: number): Promise<Outcome> {
  part.ask(warmUpMs)
  const { lost: lostBefore, why: whyBefore } = await part.next<Block>()
  const before = pids.map(cpuUsOf)
  part.ask(ms)
  const { answered, lost: lostIn, elapsedMs, why = whyBefore } = await part.next<Block>()
  const spent = pids.map((pid, at) => (cpuUsOf(pid) ?? Number.NaN) - (before[at] ?? Number.NaN))
  const [caller = Number.NaN] = spent
  const all = spent.reduce((sum, one) => sum + one, 0)
  const figures = Number.isNaN(all)
    ? {}
    : {
        cpuUs: all / answered,
        callerUs: caller / answered,
        // With a core for callers and one for all others, the busier one bounds the rate of many calls under way.
        busierUs: Math.max(caller, all - caller) / answered,
      }
  const lost = lostBefore + lostIn
  const notes = why === undefined ? note : `lost: ${why}`
  const outcome = { name: contender.name, events: answered, elapsedMs, lost, duplicates: 0, maxRssMb: 0, figures }
  return notes === '' ? outcome : { ...outcome, notes }
}

/** What it needs, in the order in which it is started. */
function besideOf({ beside = [] }: Contender): readonly Beside[] {
  return beside as readonly Beside[]
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
