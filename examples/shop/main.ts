/**
 * Runs a month of a real shop: `npm start -- [--data FILE.csv|.csv.gz] [--out DIR] [--processes N] [--json]`.
 * Exit codes: 0 equal to the plain fold, 2 equal but rows were rejected, 1 anything else, 64 a wrong option.
 */
import { constants } from 'node:os'
import { runMonth } from './run/month.ts'
import { parseOptions, usage } from './run/options.ts'

const options = parseOptions(process.argv.slice(2))
if (options === 'help') process.stdout.write(`${usage}\n`)
else if ('problem' in options) fail(options.problem, 64)
else {
  const stop = new AbortController()
  let ended = 0
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      ended = 128 + constants.signals[signal]
      stop.abort()
    })
  try {
    process.exitCode = await runMonth(options, stop.signal)
  } catch (error) {
    if (ended > 0) process.exitCode = ended
    else fail(error instanceof Error ? error.message : String(error), 1)
  }
}

function fail(problem: string, code: number): void {
  process.stderr.write(`shop: ${problem}\n`)
  process.exitCode = code
}
