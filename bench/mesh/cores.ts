/** Which core runs what: callers on the first that this process may use, everybody else on the second. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

export interface Cores {
  readonly callers: number
  readonly others: number
}

/** Nothing where processes cannot be pinned, or there is one core only. */
export function twoCores(): Cores | undefined {
  if (spawnSync('taskset', ['--version'], { stdio: 'ignore' }).status !== 0) return undefined
  const [callers, others] = allowed()
  return callers === undefined || others === undefined ? undefined : { callers, others }
}

function allowed(): readonly number[] {
  const said = spawnSync('taskset', ['--cpu-list', '--pid', String(process.pid)], { encoding: 'utf8' }).stdout
  return coresOf(said.slice(said.lastIndexOf(':') + 1))
}

/** `0,2-4` is 0, 2, 3 and 4. */
export function coresOf(list: string): readonly number[] {
  return list
    .trim()
    .split(',')
    .filter(Boolean)
    .flatMap((range) => {
      const [first, last = first] = range.split('-').map(Number)
      return first === undefined || last === undefined || Number.isNaN(first + last)
        ? []
        : Array.from({ length: last - first + 1 }, (_, at) => first + at)
    })
}

/** A command that stays on one core; as it is where none is named. */
export function pinned(core: number | undefined, command: readonly string[]): readonly string[] {
  return core === undefined ? command : ['taskset', '--cpu-list', String(core), ...command]
}

/** CPU time of a process, all threads and direct children, in microseconds; nothing where the system does not tell. */
export function cpuUsOf(pid: number): number | undefined {
  try {
    const own = readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}/schedstat`)
    const spent = own.reduce((sum, file) => sum + Number.parseInt(readFileSync(file, 'utf8'), 10), 0) / 1_000
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean)
    return children.reduce((sum, child) => sum + (cpuUsOf(Number(child)) ?? 0), spent)
  } catch {
    return undefined
  }
}
