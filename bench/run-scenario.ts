import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { remedyFor, serverVersion } from '../test/servers/servers.ts'
import { runBlocks } from './mesh/run.ts'
import type { BenchOptions } from './options.ts'
import { clearProfiles, profilesFolder, progress, say } from './output.ts'
import { installPeers, isPeer } from './peers.ts'
import { type Condition, plan, type Step, variantOf } from './plan.ts'
import { hotspots, readProfiles } from './profile.ts'
import { type Absence, type Profiled, type Sample, type ScenarioReport, summarize } from './report.ts'
import { isWritten, runOnce } from './runner.ts'
import { Servers } from './servers.ts'
import type { Contender, Scenario } from './types.ts'

const HOTSPOTS = 12

/** Runs all contenders of a scenario, interleaved; one that fails sits out the rest, and is reported. */
export async function runScenario(
  scenario: Scenario,
  options: BenchOptions,
  signal: AbortSignal,
): Promise<ScenarioReport> {
  const servers = new Servers(scenario.keepsServers ?? false, options.folder)
  const [load = 0] = loadavg()
  try {
    return { ...(await runOn(servers, scenario, options, signal)), load }
  } finally {
    await servers.stop()
  }
}

async function runOn(
  servers: Servers,
  scenario: Scenario,
  options: BenchOptions,
  signal: AbortSignal,
): Promise<ScenarioReport> {
  const { able, absences } = whoCanRun(scenario, options)
  if (options.profile) for (const contender of able) clearProfiles(scenario.name, contender.name)
  if (scenario.blocks) {
    const ran = await runBlocks({ ...scenario, blocks: scenario.blocks }, able, options, signal)
    const report = summarize(scenario, ran.samples, [...absences, ...ran.absences])
    return { ...report, profiles: options.profile ? ranIn(report).map((name) => readProfile(report, name)) : [] }
  }
  const steps = plan(scenario, able, options.runs ?? scenario.rounds)
  const samples: Sample[] = []
  const failed = new Set<string>()
  for (const [done, step] of steps.entries()) {
    if (failed.has(step.contender.name)) continue
    if (signal.aborted) break
    progress(`${scenario.name}  ${describe(step)}  ${done + 1}/${steps.length}`)
    try {
      samples.push(await sample(servers, scenario, step, options, signal))
    } catch (error) {
      failed.add(step.contender.name)
      const reason = error instanceof Error ? error.message : String(error)
      absences.push({ contender: step.contender.name, reason, failed: true })
    }
  }
  progress('')
  const report = summarize(scenario, samples, absences)
  const profiles = options.profile
    ? ranIn(report).map((name) => readProfile(report, name))
    : await missed(servers, report, options, signal)
  return { ...report, profiles }
}

function ranIn({ rows }: ScenarioReport): string[] {
  return rows.map((row) => row.contender)
}

function readProfile({ scenario }: ScenarioReport, contender: string): Profiled {
  const profiles = readProfiles(profilesFolder(scenario.name, contender))
  return { contender, hotspots: hotspots(profiles, HOTSPOTS) }
}

async function sample(
  servers: Servers,
  scenario: Scenario,
  step: Step,
  options: BenchOptions,
  signal: AbortSignal,
): Promise<Sample> {
  const outcome = await runOnce(scenario, step.contender, {
    servers,
    variant: variantOf(step.condition),
    scale: options.scale,
    folder: options.folder,
    profiles: options.profile ? profilesFolder(scenario.name, step.contender.name) : undefined,
    signal,
  })
  return { contender: step.contender.name, condition: step.condition, round: step.round, outcome }
}

function whoCanRun(scenario: Scenario, options: BenchOptions): { able: Contender[]; absences: Absence[] } {
  const able: Contender[] = []
  const absences: Absence[] = []
  for (const contender of scenario.contenders) {
    if (options.only.length > 0 && !options.only.includes(contender.name)) continue
    const reason = whyNot(contender)
    if (reason === undefined) able.push(contender)
    else absences.push({ contender: contender.name, reason, failed: false })
  }
  return { able, absences }
}

function whyNot(contender: Contender): string | undefined {
  if (!isWritten(contender)) return `there is no bench/${contender.program} yet`
  const missing = (contender.servers ?? []).filter((name) => serverVersion(name) === undefined)
  if (missing.length > 0) {
    return `${missing.join(' and ')} missing: ${missing.map(remedyFor).join('; ')}`
  }
  return isPeer(contender) ? installPeers(say) : undefined
}

/** One more run, profiled, of each contender that missed a target: the report shows where its time goes. */
async function missed(
  servers: Servers,
  report: ScenarioReport,
  options: BenchOptions,
  signal: AbortSignal,
): Promise<Profiled[]> {
  if (signal.aborted) return []
  const names = new Set(report.verdicts.filter((verdict) => verdict.met === false).map((v) => v.target.contender))
  const profiled: Profiled[] = []
  for (const contender of report.scenario.contenders.filter(({ name }) => names.has(name))) {
    progress(`${report.scenario.name}  ${contender.name} missed a target: profiling`)
    const profiles = await mkdtemp(join(tmpdir(), 'skerry-profile-'))
    const condition: Condition = report.scenario.shows === 'pairs' ? 'sick' : 'clean'
    try {
      const { scale, folder } = options
      const settings = { servers, variant: variantOf(condition), scale, folder, profiles, signal }
      await runOnce(report.scenario, contender, settings)
      profiled.push({ contender: contender.name, hotspots: hotspots(readProfiles(profiles), HOTSPOTS) })
    } catch (error) {
      say(`the profile of ${contender.name} failed: ${error instanceof Error ? error.message : String(error)}`)
    } finally {
      await rm(profiles, { recursive: true, force: true })
    }
  }
  progress('')
  return profiled
}

function describe({ contender, condition }: Step): string {
  return condition === 'clean' ? contender.name : `${contender.name} (${condition})`
}
