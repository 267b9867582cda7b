import { setTimeout as pause } from 'node:timers/promises'
import { csv, filesOf } from '../books.ts'
import { type Folded, fold } from '../fold.ts'
import { importFile } from '../retail/import.ts'
import type { Rejected } from '../retail/row.ts'
import { serviceNames } from '../services.ts'
import { markFinished, openFolder, type RunFolder, writeResults } from './folder.ts'
import type { Options } from './options.ts'
import { type Outcome, outcomeOf } from './outcome.ts'
import { type Course, summary, table } from './print.ts'
import { Progress } from './progress.ts'
import { openShop, type Shop } from './shop.ts'

/** Between two looks at how far the services are: counting takes longer the more there is to count. */
const lookMs = { least: 100, most: 1000 }

/** Runs a file through the shop, and says with its exit code whether the services came to what a plain fold does. */
export async function runMonth(options: Options, signal: AbortSignal): Promise<number> {
  const expected = await fold(options.data)
  const folder = await openFolder(options.out, options.data)
  await writeResults(folder, [
    ...[...filesOf(expected.books).keys()].map((name): [string, undefined] => [name, undefined]),
    ['rejected.csv', rejectedFile(expected.rejected)],
  ])
  if (folder.continues) process.stderr.write(`shop: continues the run in ${folder.out}\n`)
  const shop = await openShop(folder, options.processes)
  try {
    const { outcome, course } = await play(shop, options, expected, signal)
    await writeResults(folder, filesOf(outcome.books))
    process.stdout.write(table(outcome, expected, course))
    explain(outcome, expected, folder)
    if (options.json) process.stdout.write(`${JSON.stringify(summary(outcome, course))}\n`)
    await shop.stop()
    if (!outcome.equal) return 1
    await markFinished(folder)
    return expected.rejected.length > 0 ? 2 : 0
  } finally {
    await shop.stop()
  }
}

async function play(
  shop: Shop,
  options: Options,
  expected: Folded,
  signal: AbortSignal,
): Promise<{ outcome: Outcome; course: Course }> {
  const progress = new Progress(expected.books.rows)
  try {
    return await Promise.race([work(), shop.broken, aborted(signal)])
  } finally {
    progress.clear()
  }

  async function work() {
    const handledBefore = await handledBy(shop)
    const started = performance.now()
    let published = 0
    const importing = importFile(shop.app, options.data, (rows) => (published = rows), signal)
    const settling = settled(shop, expected, (booked) => progress.show(published, booked), signal)
    await Promise.all([importing, settling])
    // Downstream: what one service still says, the next one still has to hear.
    for (const name of serviceNames) await shop.ask(name, 'atRest')
    const elapsedMs = performance.now() - started
    const outcome = await outcomeOf(shop, expected)
    const handled = outcome.eventsHandled - handledBefore
    return { outcome, course: { elapsedMs, handled, vitals: shop.vitals() } }
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason))
  })
}

/**
 * Resolves when every fact that must come of the file is in the stores, or when some event was given up: then no waiting
 * helps. Counts facts instead of asking who is at rest: a process that was just killed is at rest, too.
 */
async function settled(
  shop: Shop,
  expected: Folded,
  onProgress: (booked: number) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const since = performance.now()
    const facts = await Promise.all(serviceNames.map((name) => shop.ask(name, 'factsSoFar')))
    onProgress(facts[serviceNames.indexOf('ledger')] ?? 0)
    if (serviceNames.every((name, at) => (facts[at] ?? 0) >= expected.facts[name])) return
    const tallies = await Promise.all(serviceNames.map((name) => shop.ask(name, 'tally')))
    if (tallies.some((tally) => tally.deadLetters > 0)) return
    await pause(Math.min(lookMs.most, Math.max(lookMs.least, 9 * (performance.now() - since))))
  }
}

async function handledBy(shop: Shop): Promise<number> {
  const tallies = await Promise.all(serviceNames.map((name) => shop.ask(name, 'tally')))
  return tallies.reduce((sum, { handled }) => sum + handled, 0)
}

function rejectedFile(rejected: readonly Rejected[]): string | undefined {
  if (rejected.length === 0) return undefined
  return csv(
    ['Line', 'Reason'],
    rejected.map(({ line, reason }) => [line, reason]),
  )
}

function explain(outcome: Outcome, expected: Folded, { out, state }: RunFolder): void {
  const say = (text: string) => process.stderr.write(`shop: ${text}\n`)
  if (expected.rejected.length > 0) say(`rows rejected: ${expected.rejected.length}, see ${out}/rejected.csv`)
  if (outcome.deadLetters > 0)
    say(`dead letters: ${outcome.deadLetters}; look at them with: npx skerry dead list --dir ${state}`)
  if (!outcome.equal) say(`not equal; the same command goes on from here, or delete ${out} to start afresh`)
}
