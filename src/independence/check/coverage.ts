import { readFileSync } from 'node:fs'
import { type Profiler, Session } from 'node:inspector/promises'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isUsers } from './sites.ts'

/** How much of the handlers, and of what they call, ran. */
export interface Covered {
  /** Share of the lines of functions that ran at all, 0–1; 1 where there are none. */
  readonly lines: number
  /** Runs of lines in them that never ran: `orders/service.ts:58`, or `…:58–60`. */
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
    await session.post('Profiler.startPreciseCoverage', { callCount: false, detailed: true })
    return new Coverage(session)
  }

  async end(): Promise<Covered> {
    const { result } = await this.#session.post('Profiler.takePreciseCoverage')
    await this.#session.post('Profiler.stopPreciseCoverage')
    this.#session.disconnect()
    const files = result.filter(({ url }) => url.startsWith('file:') && isUsers(fileURLToPath(url)))
    const parts = files.map((file) => linesOf(file, readFileSync(fileURLToPath(file.url), 'utf8')))
    const ran = parts.reduce((sum, { ran }) => sum + ran, 0)
    const never = parts.reduce((sum, part) => sum + part.never.length, 0)
    const named = parts.flatMap((part, at) => {
      const file = relative(process.cwd(), fileURLToPath((files[at] as Profiler.ScriptCoverage).url))
      return runsOf(part.never).map(([from, to]) => `${file}:${from === to ? from : `${from}–${to}`}`)
    })
    return { lines: ran + never === 0 ? 1 : ran / (ran + never), never: named }
  }
}

interface Lines {
  readonly ran: number
  /** By number, from 1, in order. */
  readonly never: readonly number[]
}

/** Lines of the functions that ran; a line belongs to the innermost range that its first word is in. */
export function linesOf({ functions }: Pick<Profiler.ScriptCoverage, 'functions'>, text: string): Lines {
  const running = functions.filter(({ isBlockCoverage, ranges }) => isBlockCoverage && (ranges[0]?.count ?? 0) > 0)
  const ranges = running.flatMap((one) => one.ranges)
  const whole = running
    .map(({ ranges: [outer] }) => outer as Profiler.CoverageRange)
    .filter((one) => one.startOffset > 0)
  const never: number[] = []
  let ran = 0
  let offset = 0
  for (const [at, line] of text.split('\n').entries()) {
    const word = offset + Math.max(0, line.search(/\S/))
    offset += line.length + 1
    // A line that only closes brackets does nothing.
    if (!/\w/.test(line) || /^\s*(\/\/|\/?\*)/.test(line) || !whole.some((one) => covers(one, word))) continue
    const inner = ranges
      .filter((one) => covers(one, word))
      .reduce((best, one) => (sizeOf(one) < sizeOf(best) ? one : best))
    if (inner.count === 0) never.push(at + 1)
    else ran++
  }
  return { ran, never }
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
