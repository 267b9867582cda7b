import { fileURLToPath } from 'node:url'

export interface Options {
  readonly data: string
  readonly out: string
  readonly processes: number
  readonly json: boolean
}

export const usage = 'npm start -- [--data FILE.csv|.csv.gz] [--out DIR] [--processes N] [--json]'

const defaults: Options = {
  data: fileURLToPath(new URL('../data/online-retail-2010-12.csv.gz', import.meta.url)),
  out: fileURLToPath(new URL('../out', import.meta.url)),
  processes: 1,
  json: false,
}
const mostProcesses = 64
const known = ['--data', '--out', '--processes', '--json', '--help']

/** What the command line asks for, or one line that says what is wrong with it. */
export function parseOptions(args: readonly string[]): Options | 'help' | { readonly problem: string } {
  let options = defaults
  for (let at = 0; at < args.length; at++) {
    const [name = '', inline] = split(args[at] as string)
    if (!known.includes(name)) return { problem: `unknown option '${name}'; did you mean '${nearest(name)}'?` }
    if (name === '--help') return 'help'
    if (name === '--json') {
      if (inline !== undefined) return { problem: `--json takes no value` }
      options = { ...options, json: true }
      continue
    }
    const value = inline ?? args[++at]
    if (value === undefined || value === '') return { problem: `${name} needs a value: ${usage}` }
    if (name === '--data') options = { ...options, data: value }
    if (name === '--out') options = { ...options, out: value }
    if (name === '--processes') {
      const processes = /^\d+$/.test(value) ? Number(value) : 0
      if (processes < 1 || processes > mostProcesses)
        return { problem: `--processes '${value}' is not a whole number from 1 to ${mostProcesses}` }
      options = { ...options, processes }
    }
  }
  return options
}

function split(argument: string): [string, string?] {
  const equals = argument.indexOf('=')
  if (!argument.startsWith('--') || equals < 0) return [argument]
  return [argument.slice(0, equals), argument.slice(equals + 1)]
}

function nearest(name: string): string {
  const distances = known.map((option) => ({ option, distance: editDistance(name, option) }))
  return distances.reduce((best, next) => (next.distance < best.distance ? next : best)).option
}

/** Levenshtein's: how many letters must be put in, taken out or changed. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + Number(a[i - 1] !== b[j - 1])
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
