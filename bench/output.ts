/** What the benchmark says: progress and remarks on the error stream, reports on the output, records in files. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { curvesOf, curvesSvg, curveTable } from './curves.ts'
import { describeMachine, type Machine } from './machine.ts'
import type { BenchOptions } from './options.ts'
import type { Hotspot } from './profile.ts'
import { recordOf } from './record.ts'
import type { ScenarioReport } from './report.ts'
import { headline, renderMarkdown, renderText, tableOf, verdictLine } from './table.ts'

const RESULTS = join(import.meta.dirname, 'results')
const CLEAR_LINE = '\r\u001b[K'

export function say(line: string): void {
  progress('')
  process.stderr.write(`${line}\n`)
}

/** One line that is overwritten; only for whoever watches. */
export function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${CLEAR_LINE}${line}`)
}

export function printReport(report: ScenarioReport): void {
  const curves = curvesOf(report).flatMap((curve) => [curveTable(curve), ''])
  const parts = [headline(report), '', renderText(tableOf(report)), '', ...curves, ...remarks(report), '']
  process.stdout.write(`${parts.join('\n')}\n`)
}

/** Prints the one JSON object of `--json`, and writes the files of `--record`. */
export function writeRecord(reports: readonly ScenarioReport[], options: BenchOptions): void {
  if (!options.json && !options.record) return
  const machine = describeMachine(options.folder)
  const taken = new Date().toISOString()
  const json = recordOf({ taken, machine, scale: options.scale, scenarios: reports.map(plain) })
  if (options.json) process.stdout.write(`${json}\n`)
  if (!options.record) return
  // Some scenarios alone must not take the place of a whole record.
  const name = [taken.slice(0, 10), slug(machine.cpu), ...options.scenarios].join('-')
  mkdirSync(RESULTS, { recursive: true })
  writeFileSync(join(RESULTS, `${name}.json`), `${json}\n`)
  writeFileSync(join(RESULTS, `${name}.md`), markdown(reports, machine, { taken, name }))
  const curves = reports.flatMap(curvesOf)
  if (curves.length > 0) writeFileSync(join(RESULTS, `${name}.svg`), curvesSvg(curves))
  say(`Recorded in bench/results/${name}.json and .md`)
}

/** A folder for CPU profiles, one for each contender of each scenario. */
export function profilesFolder(scenario: string, contender: string): string {
  const folder = join(RESULTS, 'profiles', scenario, slug(contender))
  mkdirSync(folder, { recursive: true })
  return folder
}

export function clearProfiles(scenario: string, contender: string): void {
  rmSync(profilesFolder(scenario, contender), { recursive: true, force: true })
}

function remarks(report: ScenarioReport): string[] {
  return [
    ...report.verdicts.map(verdictLine),
    ...report.absences.map(
      ({ contender, reason, failed }) => `${failed ? 'FAILED' : 'absent'}  ${contender}: ${reason}`,
    ),
    ...report.rows.flatMap((row) => row.notes.map((note) => `note    ${row.contender}: ${note}`)),
    ...(report.load === undefined ? [] : [`load    ${report.load.toFixed(1)} on average in the minute before`]),
    ...(report.profiles ?? []).flatMap((profiled) => [
      `Where the time of ${profiled.contender} goes:`,
      ...profiled.hotspots.map(hotspotLine),
    ]),
  ]
}

function hotspotLine({ place, share }: Hotspot): string {
  return `  ${(share * 100).toFixed(1).padStart(5)} %  ${place}`
}

function plain(report: ScenarioReport): Readonly<Record<string, unknown>> {
  const { name, title } = report.scenario
  const { rows, verdicts, absences, profiles, samples, load } = report
  return { name, title, load, rows, verdicts, absences, profiles, samples }
}

function markdown(
  reports: readonly ScenarioReport[],
  machine: Machine,
  { taken, name }: { readonly taken: string; readonly name: string },
): string {
  const servers = Object.entries(machine.servers).map(([name, version]) => `${name} ${version}`)
  const lines = [
    `# Benchmark of ${taken.slice(0, 10)}`,
    '',
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.kernel}; node ${machine.node}, ` +
      `SQLite ${machine.sqlite}; ${servers.join(', ')}; commit ${machine.commit}.`,
    ...(machine.folderInMemory ? ['', 'Taken on a file system in memory: the FULL class means nothing here.'] : []),
  ]
  for (const report of reports) {
    lines.push('', `## ${headline(report)}`, '', renderMarkdown(tableOf(report)), '')
    for (const curve of curvesOf(report)) lines.push(curveTable(curve), '')
    lines.push('```text', ...remarks(report), '```')
  }
  if (reports.some((report) => curvesOf(report).length > 0)) lines.push('', `![Cost against size](${name}.svg)`)
  return `${lines.join('\n')}\n`
}

function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/\((r|tm)\)/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
}
