import type { Measured, Outcome, Run } from './types.ts'

/**
 * Runs a contender's program: it is told what to do in its first argument, and prints one JSON line.
 *
 *     await contend(async (run) => ({ events: run.events, elapsedMs, lost, duplicates }))
 *
 * Only what the scenario names is timed: filling the backlog, starting up and counting afterwards are not.
 */
export async function contend(work: (run: Run) => Promise<Measured>): Promise<void> {
  const told = process.argv[2]
  if (told === undefined) {
    process.stderr.write('This program is run by the benchmark: try `npm run bench -- --list`\n')
    process.exit(2)
  }
  const run: Run = JSON.parse(told)
  const measured = await work(run)
  const outcome: Outcome = { name: run.contender, maxRssMb: maxRssMb(), ...measured }
  // A client library may hold the event loop open; the benchmark waits for the line, not for it.
  process.stdout.write(`${JSON.stringify(outcome)}\n`, () => process.exit(0))
}

export function maxRssMb(): number {
  return Math.round(process.resourceUsage().maxRSS / 1024)
}

/** The value of an option of the run, or the default where it has none of that type. */
export function option(run: Run, name: string, byDefault: number): number {
  const value = run.options[name]
  return typeof value === 'number' ? value : byDefault
}

/** The address of a server that the scenario table asked for. */
export function serverOf(run: Run, name: keyof Run['servers']): { host: string; port: number } {
  const address = run.servers[name]
  if (address === undefined) {
    throw new Error(`${run.contender} needs ${name}: name it under "servers" of its entry in bench/scenarios.ts`)
  }
  return address
}
