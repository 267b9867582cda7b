import { readFileSync } from 'node:fs'
import { type Profiler, Session } from 'node:inspector/promises'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isUsers } from './sites.ts'

/** How much of the handlers, and of what they call, ran. */
export interface Covered {
  /** Share of the branches of functions that ran at all, 0–1; 1 where there are none. */
  readonly branches: number
  /** Runs of lines in them with something that never ran: `orders/service.ts:58`, or `…:58–60`. */
  readonly never: readonly string[]
}

/** Counts which parts of the user's functions run, as the engine sees them: of those that were not compiled before. */
export class Coverage {
  readonly #session: Session

  private constructor(session: Session) {
    this.#session = session
  }

  /** `undefined` while somebody else counts: there is one counter in a process. */
  static async begin(): Promise<Coverage | undefined> {
    if (process.env.NODE_V8_COVERAGE !== undefined) return undefined
    const session = new Session()
    session.connect()
    await session.post('Profiler.enable')
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
    return new Coverage(session)
  }

  async end(): Promise<Covered> {
    const { result } = await this.#session.post('Profiler.takePreciseCoverage')
    await this.#session.post('Profiler.stopPreciseCoverage')
    this.#session.disconnect()
    const files = result.filter(({ url }) => url.startsWith('file:') && isUsers(fileURLToPath(url)))
    const parts = files.map((file) => branchesOf(file, readFileSync(fileURLToPath(file.url), 'utf8')))
    const ran = parts.reduce((sum, { ran }) => sum + ran, 0)
    const all = parts.reduce((sum, part) => sum + part.all, 0)
    const named = parts.flatMap((part, at) => {
      const file = relative(process.cwd(), fileURLToPath((files[at] as Profiler.ScriptCoverage).url))
      return runsOf(part.never).map(([from, to]) => `${file}:${from === to ? from : `${from}–${to}`}`)
    })
    return { branches: all === 0 ? 1 : ran / all, never: named }
  }
}

interface Branches {
  readonly ran: number
  readonly all: number
  /** Lines on which nothing ran, or something did not, by number from 1, in order. */
  readonly never: readonly number[]
}

/**
 * Branches of the functions that ran, as the engine counts them: functions in them, arms, cases, right sides of `&&`, `||` and
 * `??`, what follows a `return`. One that ran as often as what it is in is not told apart from it.
 */
export function branchesOf({ functions }: Pick<Profiler.ScriptCoverage, 'functions'>, text: string): Branches {
  const outer = functions
    .filter(({ isBlockCoverage }) => isBlockCoverage)
    .map(({ ranges: [whole] }) => whole as Profiler.CoverageRange)
    // The first range of a file is the file.
    .filter(({ count, startOffset }) => count > 0 && startOffset > 0)
  const ranges = functions
    .filter(({ ranges: [whole] }) => whole && outer.some((one) => covers(one, whole.startOffset)))
    .flatMap((one) => one.ranges)
  const never = new Set(linesNeverRun(ranges, text))
  for (const range of ranges.filter(({ count }) => count === 0)) {
    const [first, last] = linesIn(range, text)
    // An arm on a line that ran: nothing of it is named yet.
    if (![...never].some((line) => first <= line && line <= last)) never.add(first)
  }
  const ran = ranges.filter(({ count }) => count > 0).length
  return { ran, all: ranges.length, never: [...never].sort((a, b) => a - b) }
}

/** A line belongs to the innermost range that its first word is in. */
function linesNeverRun(ranges: readonly Profiler.CoverageRange[], text: string): number[] {
  const never: number[] = []
  let offset = 0
  for (const [at, line] of text.split('\n').entries()) {
    const word = offset + Math.max(0, line.search(/\S/))
    offset += line.length + 1
    // A line that only closes brackets does nothing.
    if (!/\w/.test(line) || /^\s*(\/\/|\/?\*)/.test(line)) continue
    const around = ranges.filter((one) => covers(one, word))
    const inner = around.reduce<Profiler.CoverageRange | undefined>(
      (best, one) => (best && sizeOf(best) <= sizeOf(one) ? best : one),
      undefined,
    )
    if (inner?.count === 0) never.push(at + 1)
  }
  return never
}

/** From its first word on. */
function linesIn({ startOffset, endOffset }: Profiler.CoverageRange, text: string): [first: number, last: number] {
  const before = text.slice(startOffset, endOffset).search(/\S/)
  const lineOf = (offset: number): number => text.slice(0, offset).split('\n').length
  return [lineOf(startOffset + Math.max(0, before)), lineOf(endOffset)]
}

function covers({ startOffset, endOffset }: Profiler.CoverageRange, offset: number): boolean {
  return startOffset <= offset && offset < endOffset
}

function sizeOf({ startOffset, endOffset }: Profiler.CoverageRange): number {
  return endOffset - startOffset
}

function runsOf(lines: readonly number[]): [from: number, to: number][] {
  const runs: [number, number][] = []
  for (const line of lines) {
    const last = runs.at(-1)
    if (last && last[1] === line - 1) last[1] = line
    else runs.push([line, line])
  }
  return runs
}
