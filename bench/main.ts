/**
 * npm run bench -- [scenario…] [--runs N] [--quick] [--json] [--record] [--profile]
 *
 * Measures Skerry beside the limit and the peers, and prints a table and the verdicts for each scenario.
 */
import { tmpdir } from 'node:os'
import { isInMemory } from './machine.ts'
import { type BenchOptions, parseOptions, USAGE } from './options.ts'
import { printReport, say, writeRecord } from './output.ts'
import type { ScenarioReport } from './report.ts'
import { runScenario } from './run-scenario.ts'
import { chosenNames, scenarios } from './scenarios.ts'
import type { Scenario } from './types.ts'

const parsed = parseOptions(process.argv.slice(2), chosenNames)
if (!parsed.ok) {
  say(parsed.problem)
  process.exitCode = 2
} else if (parsed.options.help) process.stdout.write(USAGE)
else if (parsed.options.list) process.stdout.write(listing())
else process.exitCode = await bench(parsed.options)

async function bench(options: BenchOptions): Promise<number> {
  const interrupted = new AbortController()
  // The first signal ends what runs and cleans up; a second one, without a listener, ends the benchmark as it is.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort())
  warnOfMemory(options)
  const reports: ScenarioReport[] = []
  for (const scenario of chosen(options)) {
    const report = await runScenario(scenario, options, interrupted.signal)
    if (interrupted.signal.aborted) return 130
    reports.push(report)
    if (!options.json) printReport(report)
  }
  writeRecord(reports, options)
  return reports.every(sound) ? 0 : 1
}

function chosen(options: BenchOptions): Scenario[] {
  if (options.scenarios.length === 0) return scenarios.filter((scenario) => scenario.core)
  const named = (name: string | undefined): boolean => name !== undefined && options.scenarios.includes(name)
  return scenarios.filter((scenario) => named(scenario.name) || named(scenario.group))
}

/** A missed target is a result; a contender that fails, loses an event or handles one twice is a fault. */
function sound({ rows, absences }: ScenarioReport): boolean {
  return rows.every((row) => row.lost === 0 && row.duplicates === 0) && !absences.some(({ failed }) => failed)
}

function warnOfMemory({ folder }: BenchOptions): void {
  const parent = folder ?? tmpdir()
  if (!isInMemory(parent)) return
  say(`${parent} is in memory, where syncing costs nothing: name a folder on a disk with --dir`)
}

function listing(): string {
  const lines = scenarios.flatMap((scenario) => [
    `${scenario.name}${whenOf(scenario)}: ${scenario.title}`,
    ...scenario.contenders.map((contender) => `  ${contender.name} (${contender.durability})`),
  ])
  return `${lines.join('\n')}\n`
}

function whenOf({ core, group }: Scenario): string {
  if (core) return ''
  return group === undefined ? ' (only when named)' : ` (only when named, or with all of "${group}")`
}
