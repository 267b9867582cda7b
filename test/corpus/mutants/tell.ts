import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { messageOf } from '../../../src/errors.ts'
import type { AnyService } from '../../../src/service.ts'
import { textOf } from '../brute/compare.ts'
import { judge, type Question, servicesOf } from '../brute/judge.ts'
import { serial, trialOf } from '../brute/trial.ts'
import { handledBy, World } from '../brute/world.ts'
import { type Cell, cellsOf, type Level, levels, programs } from '../expected.ts'
import { mustHold } from '../scoring/testers.ts'
import { type Original, type Placed, root } from './originals.ts'

export interface Told {
  /** Why it does not even load, as when a table cannot be made: no test of behaviour is needed. */
  readonly broken: string | undefined
  /** Some run of two events in some state ends otherwise than the original's. */
  readonly differs: boolean
  /** Cells that were independent and are not any more. */
  readonly cells: readonly { readonly level: Level; readonly a: string; readonly b: string }[]
}

const trials = 40

/** Whether brute force can tell a mutant from its original, and by which verdicts. */
export function tell(mutant: Placed): Promise<Told> {
  return withMutant(mutant, async (loaded) =>
    typeof loaded === 'string' ? unloadable(loaded) : compare(mutant.original, loaded),
  )
}

export function unloadable(broken: string): Told {
  return { broken, differs: true, cells: [] }
}

/** Does something with a mutant's services, or with the reason why they cannot be loaded. Its files are there as long. */
export async function withMutant<T>(mutant: Placed, work: (loaded: AnyService[] | string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-mutant-'))
  try {
    copyTo(folder, mutant)
    return await work(await load(mutant.original, folder))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The mutated services, or why they cannot even be begun with. Whatever fails later is no mutant's merit, and is thrown. */
async function load({ services, checks }: Original, folder: string): Promise<AnyService[] | string> {
  const loaded: AnyService[] = []
  try {
    for (const file of services) loaded.push(...(await servicesOf(join(folder, file))))
    for (const service of loaded) (await World.open(service, checks)).close()
    return loaded
  } catch (error) {
    return messageOf(error)
  }
}

/** The original's files with one of them changed, where `skerry` and `zod` are found. */
function copyTo(folder: string, { original, file, source }: Placed): void {
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules', 'skerry'))
  symlinkSync(join(root, 'node_modules', 'zod'), join(folder, 'node_modules', 'zod'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  for (const one of original.files) {
    mkdirSync(dirname(join(folder, one)), { recursive: true })
    cpSync(join(root, one), join(folder, one))
  }
  writeFileSync(join(folder, file), source)
}

/**
 * Runs both side by side. What ends otherwise is asked about every pair, not only about those that are expected. With `any` one
 * broken cell is enough, and no others are looked for.
 */
export async function compare(original: Original, after: readonly AnyService[], any = false): Promise<Told> {
  const cells: Question[] = []
  let differs = false
  for (const file of original.services)
    for (const service of await servicesOf(join(root, file))) {
      const mutated = after.find((one) => one.name === service.name)
      if (!mutated || (any && cells.length > 0)) continue
      const ends = await differ(original, service, mutated)
      const broken = await brokenOf(original, mutated, await expectedOf(original, service), any)
      if (ends && broken.length === 0)
        broken.push(...(await brokenOf(original, mutated, await othersOf(original, service), any)))
      differs ||= ends || broken.length > 0
      cells.push(...broken)
    }
  return { broken: undefined, differs, cells }
}

async function brokenOf({ checks }: Original, service: AnyService, questions: readonly Question[], any = false) {
  const broken: Question[] = []
  for (const question of questions) {
    if (any && broken.length > 0) break
    const answers = await judge(service, checks, [question], () => trials)
    if (answers.get(question)?.found) broken.push(question)
  }
  return broken
}

/** What is independent in the correct form, as its author expects. */
async function expectedOf(original: Original, service: AnyService): Promise<Question[]> {
  const program = programs().find(({ name }) => name === original.name)
  const own = (cell: Cell) => cell.service === service.name && cell.verdict === 'independent'
  return program ? cellsOf(program, 'correct').filter(own) : []
}

const others = new Map<AnyService, Promise<Question[]>>()

/** What else is found to hold in the original, of all that must. */
function othersOf(original: Original, service: AnyService): Promise<Question[]> {
  const known = others.get(service) ?? othersAnew(original, service)
  others.set(service, known)
  return known
}

async function othersAnew(original: Original, service: AnyService): Promise<Question[]> {
  const labels = [...handledBy(service).keys()]
  const must = mustHold([service], original.checks)
  const asked = levels
    .flatMap((level) => labels.flatMap((a) => labels.map((b) => ({ service: service.name, a, b, level, as }))))
    .filter((question) => must(question) && (isOrdered(question.level) || question.a <= question.b))
  const broken = new Set(await brokenOf(original, service, asked))
  return asked.filter((question) => !broken.has(question))
}

const as = 'unordered' as const

function isOrdered(level: Level): boolean {
  return ['redelivery', 're-publication', 'isolated-failure'].includes(level)
}

async function differ(original: Original, before: AnyService, after: AnyService): Promise<boolean> {
  for (let n = 0; n < trials; n++) {
    const ends = [await end(original, before, n), await end(original, after, n)]
    if (ends[0] !== ends[1]) return true
  }
  return false
}

async function end({ checks }: Original, service: AnyService, n: number): Promise<string> {
  const world = await World.open(service, checks)
  const root = world.mark()
  try {
    const types = [...handledBy(service).values()]
    const [a, b] = [types[n % types.length], types[Math.floor(n / types.length) % types.length]]
    const trial = a && b && trialOf(world, root, a, b, `differ ${n}`)
    if (!trial) return ''
    await trial.state()
    await serial(world, [...world.tasks(trial.a, 0), ...world.tasks(trial.b, 0), ...world.tasks(trial.copy, 0)])
    return textOf(world.observe())
  } finally {
    root.drop()
    world.close()
  }
}
