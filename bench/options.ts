/** The command line of the benchmark. Pure. */
import { parseArgs } from 'node:util'
import { nearest } from '../src/nearest.ts'

export interface BenchOptions {
  readonly scenarios: readonly string[]
  /** Rounds; undefined means what each scenario says. */
  readonly runs: number | undefined
  /** Share of the events of each scenario. */
  readonly scale: number
  readonly only: readonly string[]
  readonly json: boolean
  readonly record: boolean
  readonly profile: boolean
  readonly folder: string | undefined
  readonly list: boolean
  readonly help: boolean
}

export type Parsed =
  | { readonly ok: true; readonly options: BenchOptions }
  | { readonly ok: false; readonly problem: string }

export const USAGE = `npm run bench -- [scenario…] [options]

  --runs N       rounds of each scenario (default: 5, isolation 7)
  --quick        one round with a tenth of the events: does everything work?
  --only NAMES   only these contenders, separated by semicolons: --only 'limit;skerry, NORMAL'
  --profile      write CPU profiles beside the results and print where the time goes
  --record       write bench/results/<date>-<cpu>[-<scenario>].json and .md, and .svg where there are curves
  --json         print one JSON object instead of tables
  --dir FOLDER   where runs keep their files (default: the system's temporary folder)
  --list         print the scenarios, the groups that they are in and their contenders
  --help         print this
`

const OPTIONS = {
  runs: { type: 'string' },
  quick: { type: 'boolean' },
  only: { type: 'string' },
  profile: { type: 'boolean' },
  record: { type: 'boolean' },
  json: { type: 'boolean' },
  dir: { type: 'string' },
  list: { type: 'boolean' },
  help: { type: 'boolean' },
} as const

export function parseOptions(args: readonly string[], scenarioNames: readonly string[]): Parsed {
  const known = Object.keys(OPTIONS).map((name) => `--${name}`)
  for (const arg of args) {
    const name = arg.split('=')[0] ?? ''
    if (name.startsWith('--') && name !== '--' && !known.includes(name)) {
      return refuse(`unknown option ${name}: did you mean ${nearest(name, known)}?`)
    }
  }
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
    const unknown = positionals.find((name) => !scenarioNames.includes(name))
    if (unknown !== undefined) {
      return refuse(`unknown scenario "${unknown}": did you mean ${nearest(unknown, scenarioNames)}?`)
    }
    const runs = values.runs === undefined ? undefined : Number(values.runs)
    if (runs !== undefined && !(Number.isInteger(runs) && runs > 0)) {
      return refuse(`--runs "${values.runs}" is not a whole number above 0: try --runs 5`)
    }
    const quick = values.quick ?? false
    return {
      ok: true,
      options: {
        scenarios: positionals,
        runs: runs ?? (quick ? 1 : undefined),
        scale: quick ? 0.1 : 1,
        only: values.only?.split(';').map((name) => name.trim()) ?? [],
        json: values.json ?? false,
        record: values.record ?? false,
        profile: values.profile ?? false,
        folder: values.dir,
        list: values.list ?? false,
        help: values.help ?? false,
      },
    }
  } catch (error) {
    return refuse(`${error instanceof Error ? error.message : String(error)}: try --help`)
  }
}

function refuse(problem: string): Parsed {
  return { ok: false, problem }
}
