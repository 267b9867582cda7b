/**
 * npm run test:orders [-- PROGRAMS [SEED]]
 *
 * Whether leaving out orders that cannot matter leaves out any end: 1,000 generated programs of at most eight scheduling
 * points, with crashes, duplicates, emissions, guards and aggregates, run in every order and in those that the checker runs.
 * Before a release. Exit code 0 only if the ends are the same.
 */
import { Output } from '../../src/cli/output.ts'
import { compareOrders } from './compare.ts'

const [given = '1000', seed = 'programs'] = process.argv.slice(2)
const programs = Number(given)
if (!Number.isInteger(programs) || programs < 1) {
  process.stderr.write(`test:orders: '${given}' is not a whole number of programs\n`)
  process.exit(64)
}
const out = new Output(false)
const { all, reduced, endings, apart } = await compareOrders(programs, seed, (done) =>
  out.progress('programs', done, programs),
)
out.clear()
for (const one of apart) process.stdout.write(`APART  ${one}\n`)
process.stdout.write(
  `${programs} programs, seed '${seed}': ${all} orders, ${reduced} of them run, ${endings} ends; ${apart.length} programs apart\n`,
)
process.exitCode = apart.length === 0 ? 0 : 1
