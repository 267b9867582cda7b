/**
 * npm run test:crash -- --kills K --seed S [--data FILE]
 *
 * Runs the shop in several processes over one bus, kills one after another with SIGKILL (services, importer, whoever
 * writes the bus), starts each again, and compares what the services hold at the end with a plain fold over everything
 * that was imported. Exit code 0 only if all is equal, nothing was lost or done twice, and no dead letter was made.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createGunzip } from 'node:zlib'
import { start } from 'skerry'
import { openSqliteBus } from 'skerry/sqlite'
import { fold } from '../../examples/shop/fold.ts'
import { Retail } from '../../examples/shop/retail/contract.ts'
import { answer } from '../../examples/shop/run/answer.ts'
import { outcomeOf } from '../../examples/shop/run/outcome.ts'
import { placement } from '../../examples/shop/run/placement.ts'
import { services } from '../../examples/shop/services.ts'
import { type Death, deaths } from './plan.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    data: {
      type: 'string',
      default: fileURLToPath(new URL('../../examples/shop/data/online-retail-2010-12.csv.gz', import.meta.url)),
    },
    keep: { type: 'boolean', default: false },
  },
})
const kills = Number(values.kills)
if (!Number.isInteger(kills) || kills < 0) {
  process.stderr.write(`test:crash: --kills '${values.kills}' is not a whole number\n`)
  process.exit(64)
}

/** A death that does not come by itself within this time, since its process has nothing to do, is brought about. */
const patienceMs = 4000
const processes = 5

interface Victim {
  readonly roles: readonly string[]
  child: ChildProcess
  ready: Promise<unknown>
}

const folder = await mkdtemp(join(tmpdir(), 'skerry-crash-'))
const state = join(folder, 'state')
const victims: Victim[] = []
let finishing = false
try {
  process.exitCode = (await run()) ? 0 : 1
} finally {
  for (const { child } of victims) child.kill('SIGKILL')
  if (values.keep) process.stdout.write(`kept: ${folder}\n`)
  else await rm(folder, { recursive: true, force: true })
}

async function run(): Promise<boolean> {
  // One process makes the files, so that the first killed ones have something to come back to.
  await (await start(Object.values(services), { dir: state })).stop()
  for (const roles of [...placement(processes), ['importer']]) victims.push(launch(roles))
  const plan = deaths(values.seed, victims.length)
  for (let k = 1; k <= kills; k++) {
    await kill(plan.next().value)
    progress(k)
  }
  await finish()
  return compare()
}

function launch(roles: readonly string[]): Victim {
  const child = fork(fileURLToPath(new URL('./victim.ts', import.meta.url)), [state, values.data, ...roles], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, FINISHING: finishing ? 'yes' : 'no' },
  })
  return { roles, child, ready: Promise.race([once(child, 'message'), once(child, 'exit')]) }
}

/** Sends a process to its death and puts another in its place. */
async function kill(death: Death): Promise<void> {
  const victim = await choose(death)
  await victim.ready
  const { child } = victim
  const gone = child.exitCode !== null || child.signalCode !== null ? Promise.resolve() : once(child, 'exit')
  if (child.connected) child.send(death.when, () => {})
  const late = setTimeout(() => child.kill('SIGKILL'), patienceMs)
  await gone
  clearTimeout(late)
  if (child.signalCode !== 'SIGKILL')
    throw new Error(`${victim.roles.join(', ')} ended by itself, with exit code ${child.exitCode}: see above`)
  Object.assign(victim, launch(victim.roles))
}

async function choose(death: Death): Promise<Victim> {
  if (death.victim !== 'writer') return victims[death.victim] as Victim
  const bus = await openSqliteBus({ file: join(state, 'bus.db') })
  const { writer } = await bus.status()
  await bus.close()
  return victims.find(({ child }) => child.pid === writer?.pid) ?? (victims[0] as Victim)
}

/** Lets the importer end its turn, and the services do all there is to do. */
async function finish(): Promise<void> {
  finishing = true
  const importer = victims.at(-1) as Victim
  await importer.ready
  const ended = importer.child.exitCode === null ? once(importer.child, 'exit') : undefined
  importer.child.send('finish')
  await ended
  if (importer.child.exitCode !== 0)
    throw new Error(`the importer ended with ${importer.child.exitCode ?? importer.child.signalCode}`)
  for (const victim of victims.slice(0, -1)) {
    await victim.ready
    const gone = once(victim.child, 'exit')
    victim.child.kill('SIGTERM')
    await gone
    if (victim.child.exitCode !== 0)
      throw new Error(
        `${victim.roles.join(', ')} did not stop in order: ${victim.child.exitCode ?? victim.child.signalCode}`,
      )
  }
}

async function compare(): Promise<boolean> {
  const app = await start(Object.values(services), { dir: state })
  try {
    await app.settled()
    const { mark } = await app.publisher(Retail, 'importer')
    const expected = await fold(await repeated(mark))
    const ask = (service: keyof typeof services, question: Parameters<typeof answer>[2]) =>
      answer(app, service, question)
    const outcome = await outcomeOf({ ask } as never, expected)
    const { lost, duplicateEffects, deadLetters, equal, differences } = outcome
    process.stdout.write(
      `${JSON.stringify({ kills, seed: values.seed, rows: mark, lost, duplicateEffects, deadLetters, equal, differences })}\n`,
    )
    return equal
  } finally {
    await app.stop()
  }
}

/** The file as often as it was imported, as one file. */
async function repeated(rows: number): Promise<string> {
  const raw = createReadStream(values.data)
  const lines: string[] = []
  for await (const line of createInterface({ input: values.data.endsWith('.gz') ? raw.pipe(createGunzip()) : raw }))
    lines.push(line)
  const [header, ...body] = lines
  const file = join(folder, 'repeated.csv')
  await appendFile(file, `${header}\n`)
  const text = `${body.join('\n')}\n`
  for (let turn = 0; turn < rows / body.length; turn++) await appendFile(file, text)
  return file
}

function progress(k: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${k} of ${kills} killed`)
  else if (k % 25 === 0) process.stderr.write(`${k} of ${kills} killed\n`)
}
