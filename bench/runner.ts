/** Runs a contender once: folder and process of its own, gone afterwards, beside the servers that it is lent. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Servers } from './servers.ts'
import type { Contender, Outcome, Run, Scenario } from './types.ts'

export interface RunSettings {
  readonly servers: Servers
  readonly variant: Run['variant']
  readonly scale: number
  /** Parent of the run's folder; the system's temporary folder by default. */
  readonly folder?: string | undefined
  /** Where CPU profiles are written; none by default. */
  readonly profiles?: string | undefined
  /** Aborted when the benchmark is interrupted: the program is ended, and what it needed is cleaned up as always. */
  readonly signal?: AbortSignal | undefined
}

export function programOf(contender: Contender): string {
  return join(import.meta.dirname, contender.program)
}

export function isWritten(contender: Contender): boolean {
  return existsSync(programOf(contender))
}

export async function runOnce(scenario: Scenario, contender: Contender, settings: RunSettings): Promise<Outcome> {
  const base = await mkdtemp(join(settings.folder ?? tmpdir(), 'skerry-bench-'))
  try {
    const servers = await settings.servers.lend(contender, base)
    try {
      const folder = join(base, 'run')
      await mkdir(folder)
      const run: Run = {
        scenario: scenario.name,
        contender: contender.name,
        app: settings.servers.nextApp(),
        variant: settings.variant,
        durability: contender.durability,
        events: Math.max(Math.round(contender.events * settings.scale), 1),
        perSecond: scenario.perSecond,
        folder,
        servers: servers.addresses,
        options: contender.options ?? {},
      }
      return await runProgram(programOf(contender), run, scenario.timeoutS * 1_000, settings)
    } finally {
      await servers.giveBack()
    }
  } finally {
    await rm(base, { recursive: true, force: true })
  }
}

async function runProgram(program: string, run: Run, timeoutMs: number, settings: RunSettings): Promise<Outcome> {
  const { profiles, signal } = settings
  signal?.throwIfAborted()
  const profiling = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`]
  const child = spawn(process.execPath, [...profiling, program, JSON.stringify(run)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const interrupt = (): boolean => child.kill('SIGKILL')
  signal?.addEventListener('abort', interrupt)
  let late = false
  const timer = setTimeout(() => {
    late = true
    child.kill('SIGKILL')
  }, timeoutMs)
  try {
    const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
    if (late) throw new Error(`${run.contender} was not done within ${timeoutMs / 1_000} s: try --quick`)
    if (code !== 0) throw new Error(`${run.contender} failed: ${lastLines(errors)}`)
    return parseOutcome(run, output)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', interrupt)
  }
}

function parseOutcome(run: Run, output: string): Outcome {
  const line = output.trim().split('\n').at(-1) ?? ''
  try {
    return JSON.parse(line)
  } catch (cause) {
    throw new Error(`${run.contender} printed no JSON line but "${line.slice(0, 200)}"`, { cause })
  }
}

function lastLines(errors: string): string {
  const lines = errors.trim().split('\n')
  const named = lines.find((line) => /^\w*Error\b/.test(line))
  return named ?? (lines.slice(-3).join(' | ') || 'it said nothing')
}
