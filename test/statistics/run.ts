/**
 * npm run test:statistics [-- RUNS]
 *
 * Whether the measure of independence keeps to the rates of error that it states: at least 4,000 simulations of each kind
 * with fixed seeds. Exit code 0 only if all limits hold. Takes about a quarter of an hour.
 */
import { discovery, peeking, powerAtStated, sizeIn, worlds, wrongIndependent } from './studies.ts'

const runs = Number(process.argv[2] ?? 4000)
if (!Number.isInteger(runs) || runs < 1) {
  process.stderr.write(`test:statistics: '${process.argv[2]}' is not a whole number of runs\n`)
  process.exit(64)
}
const level = 0.01
const busy = worlds['moderate load']
let kept = true

function limit(what: string, value: number, bound: { atMost: number } | { atLeast: number }, aside = ''): void {
  const holds = 'atMost' in bound ? value <= bound.atMost : value >= bound.atLeast
  const words = 'atMost' in bound ? `at most ${bound.atMost}` : `at least ${bound.atLeast}`
  kept &&= holds
  process.stdout.write(
    `${holds ? 'kept  ' : 'BROKEN'}  ${what}: ${value.toFixed(4)}, ${words}${aside && ` (${aside})`}\n`,
  )
}

for (const [name, world] of Object.entries(worlds)) {
  const size = sizeIn(world, level, runs, 20_000, name)
  const aside = `without strata ${size.pooled.toFixed(3)}, watched ${size.watched.toFixed(4)}`
  limit(`false alarms at ${level}, ${name}`, size.once, { atMost: 1.5 * level }, aside)
  const called = size.verdicts.dependent + size.verdicts['dependent-but-small']
  limit(`called dependent, ${name}`, called / runs, { atMost: 0.05 })
}
const daily = peeking(busy, level, Math.ceil(runs / 10), 2000, 'daily')
limit('false alarms of 30 daily looks', daily.watched, { atMost: level }, `p of one look: ${daily.once.toFixed(4)}`)
const failing = { ...worlds['load and outages'], rateA: 0.15, rateB: 0.15 }
const found = discovery(failing, 2.5, runs, 3000, 'discovery')
const aside = `500 pairs in each of ${found.runs} runs; cannot tell ${found.undecided.toFixed(3)}`
limit('false discoveries', found.falseDiscovery, { atMost: 0.06 }, aside)
limit('power beside 475 independent pairs, odds ratio 2.5', found.power, { atLeast: 0.9 })
for (const pairs of [1, 500]) {
  const at = (oddsRatio: number) => powerAtStated({ ...busy, oddsRatio }, pairs, runs, `stated ${pairs} ${oddsRatio}`)
  const [two, one] = [at(2), at(1)]
  limit(
    `dependent at the stated sample, odds ratio 2, ${pairs} pairs`,
    two.found,
    { atLeast: 0.9 },
    `${two.windows} units`,
  )
  limit(`independent there, odds ratio 1, ${pairs} pairs`, one.independent, { atLeast: 0.9 }, `${one.windows} units`)
}
for (const windows of [1_000, 5_000, 10_000, 20_000])
  limit(
    `called independent at odds ratio 2, ${windows} units`,
    wrongIndependent({ ...busy, oddsRatio: 2 }, runs, windows, `wrong ${windows}`),
    { atMost: 0.01 },
  )
process.exitCode = kept ? 0 : 1
