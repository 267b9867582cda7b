/**
 * npm run test:faults -- [--engine E] [--store S] [--fault F] [--seed N] [--rows N] [--json] [--keep]
 *
 * Runs the shop's month in four processes on private servers, once for each fault, and lets the fault happen to it. Each
 * run must go on by itself and end equal to the plain fold, with nothing lost, nothing done twice and no dead letter.
 * Several engines, stores or faults stand after commas; `all` is the default. Exit code 0 only if every run passed.
 */
import { parseArgs, styleText } from 'node:util'
import { bar } from '../../examples/shop/run/progress.ts'
import { messageOf } from '../../src/errors.ts'
import { nearest } from '../../src/nearest.ts'
import { remedyFor, serverVersion } from '../servers/servers.ts'
import { SmallDisk } from './disk.ts'
import { type EngineName, engineNames, engines } from './engines.ts'
import { faults } from './faults.ts'
import { attempt, type Verdict } from './ground.ts'
import { randomFor } from './plan.ts'
import type { Fault, StoreName } from './scene.ts'
import { table } from './table.ts'

const storeNames = ['sqlite', 'postgres'] as const satisfies readonly StoreName[]

const options = {
  engine: { type: 'string', default: 'all' },
  store: { type: 'string', default: 'all' },
  fault: { type: 'string', default: 'all' },
  seed: { type: 'string', default: '1' },
  rows: { type: 'string' },
  json: { type: 'boolean', default: false },
  keep: { type: 'boolean', default: false },
} as const

const { values } = understood(() => parseArgs({ options }))

interface Pair {
  readonly engine: EngineName
  readonly store: StoreName
  readonly fault: Fault
}

const rows = values.rows === undefined ? undefined : wholeNumber(values.rows)
const chosen = choose()
const drawing = process.stderr.isTTY && process.stdout.isTTY && !values.json
const verdicts: Verdict[] = []
const skipped: string[] = []
for (const [at, pair] of chosen.entries()) await tryOne(pair, `${at + 1}/${chosen.length}`)
if (!values.json) process.stdout.write(`\n${table(verdicts)}${skipped.map((line) => `skipped: ${line}\n`).join('')}`)
process.exitCode = verdicts.every(({ passed }) => passed) ? 0 : 1

async function tryOne({ engine, store, fault }: Pair, place: string): Promise<void> {
  const lacking = lack(engine, store, fault)
  if (lacking) return void skipped.push(`${fault.name} on ${engine}, ${store} stores: ${lacking}`)
  const name = `${place} ${fault.name} on ${engine}, ${store} stores`
  const verdict = await attempt({
    ...{ engine, store, fault, rows, keep: values.keep },
    random: randomFor(values.seed, engine, store, fault.name),
    onProgress: (done, all) => drawing && process.stderr.write(`\r${name}  ${bar(done, done, all).slice(0, 36)}\x1b[K`),
  })
  verdicts.push(verdict)
  if (drawing) process.stderr.write('\r\x1b[K')
  if (values.json) process.stdout.write(`${JSON.stringify({ ...verdict, seed: values.seed })}\n`)
  else
    process.stdout.write(
      `${name}: ${verdict.passed ? styleText('green', 'equal') : styleText('red', verdict.problem)}\n`,
    )
  if (values.keep) process.stdout.write(`kept: ${verdict.folder}\n`)
}

function lack(engine: EngineName, store: StoreName, fault: Fault): string | undefined {
  const names = new Set([engines[engine].server, ...(store === 'postgres' ? (['postgresql'] as const) : [])])
  for (const name of names) if (serverVersion(name) === undefined) return `${name} is missing; ${remedyFor(name)}`
  return fault.needs === 'disk' ? SmallDisk.impossible : undefined
}

/** All that is asked for and makes sense. */
function choose(): Pair[] {
  const asked = {
    engines: among('engine', values.engine, engineNames),
    stores: among('store', values.store, storeNames),
    faults: among(
      'fault',
      values.fault,
      faults.map(({ name }) => name),
    ),
  }
  return asked.engines.flatMap((engine) =>
    asked.stores.flatMap((store) =>
      faults
        .filter((fault) => asked.faults.includes(fault.name) && fault.on(engine, store))
        .map((fault) => ({ engine, store, fault })),
    ),
  )
}

function among<T extends string>(option: string, given: string, known: readonly T[]): readonly T[] {
  if (given === 'all') return known
  return given.split(',').map((name) => {
    const found = known.find((one) => one === name)
    if (found) return found
    const guess = nearest(name, [...known, 'all'])
    return refuse(`--${option} '${name}' is none of ${known.join(', ')}, all; did you mean ${guess}?`)
  })
}

function wholeNumber(text: string): number {
  const number = Number(text)
  return Number.isInteger(number) && number > 0 ? number : refuse(`--rows '${text}' is not a whole number above 0`)
}

function understood<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    const known = Object.keys(options).map((name) => `--${name}`)
    return refuse(`${messageOf(error)}; the options are ${known.join(', ')}`)
  }
}

function refuse(problem: string): never {
  process.stderr.write(`test:faults: ${problem}\n`)
  process.exit(64)
}
