import { parseArgs } from 'node:util'
import type { Command, Invocation, Option } from './command.ts'
import { UsageError, unknown } from './failure.ts'

/** Options that every command takes. */
export const globalOptions: Readonly<Record<string, Option>> = {
  dir: { type: 'string', value: 'DIR', help: "folder of the embedded files (default '.skerry', or SKERRY_DIR)" },
  bus: {
    type: 'string',
    value: 'URL',
    help: 'sqlite:<file>, postgres://…, nats://…, amqp://… or kafka://… (default in DIR, or SKERRY_BUS)',
  },
  store: {
    type: 'string',
    value: 'URL',
    help: 'where stores are: sqlite:<folder> or postgres://… (default DIR, or SKERRY_STORE)',
  },
  durability: {
    type: 'string',
    value: 'WORD',
    help: "full, or engine: what the engine promises is enough (default 'full', or SKERRY_DURABILITY)",
  },
  app: {
    type: 'string',
    value: 'NAME',
    help: "name of the application, in event types and on servers (default 'skerry', or SKERRY_APP)",
  },
  json: { type: 'boolean', help: 'print JSON' },
  help: { type: 'boolean', short: 'h', help: 'show this' },
}

/** The first words that are no options: global options may stand before the command. */
export function wordsOf(args: readonly string[]): string[] {
  const words: string[] = []
  for (let i = 0; i < args.length && words.length < 2; i++) {
    const arg = args[i] as string
    if (!arg.startsWith('-') || arg === '-') words.push(arg)
    else if (words.length > 0) break
    else if (globalOptions[arg.slice(2)]?.type === 'string') i++
  }
  return words
}

export type Parsed = Pick<Invocation, 'positionals' | 'values'>

/** Throws `UsageError` naming the option and the nearest one that the command has. */
export function parseFor(command: Command, args: readonly string[]): Parsed {
  const options = { ...command.options, ...globalOptions }
  const config = Object.fromEntries(
    Object.entries(options).map(([name, { type, short }]) => [
      name,
      { type: type === 'string' ? type : ('boolean' as const), ...(short !== undefined && { short }) },
    ]),
  )
  const { tokens } = parseArgs({
    args: [...args],
    options: config,
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const values: Record<string, string | true> = {}
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') continue
    const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined
    const help = ` See: skerry ${command.name} --help`
    if (!option) throw unknown('option', token.rawName, shown(options), help)
    if (option.type === 'string' && token.value === undefined)
      throw new UsageError(`${token.rawName} needs a value: --${token.name} ${option.value}`)
    if (option.type === 'boolean' && token.value !== undefined) throw new UsageError(`${token.rawName} takes no value`)
    const before = option.many ? values[token.name] : undefined
    values[token.name] = before === undefined ? (token.value ?? true) : `${before}\n${token.value}`
  }
  const words = command.name.split(' ').length
  return { positionals: positionals.slice(words), values }
}

const shown = (options: Readonly<Record<string, Option>>): string[] =>
  Object.entries(options).flatMap(([name, option]) => (option.help === '' ? [] : [`--${name}`]))

/** Throws `UsageError` when there are too few or too many arguments. */
export function checkCount(command: Command, given: readonly string[]): void {
  const [least, most] = command.takes
  if (given.length > most)
    throw new UsageError(`${command.name}: '${given[most]}' is one too many; use: skerry ${command.usage}`)
  if (given.length < least) throw new UsageError(`${command.name} needs more; use: skerry ${command.usage}`)
}

/** A whole number given to an option. */
export function wholeNumber(values: Invocation['values'], name: string, least: number): number | undefined {
  const text = values[name]
  if (text === undefined) return undefined
  const number = /^\d+$/.test(String(text)) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(number) || number < least)
    throw new UsageError(`--${name} ${text}: give a whole number of at least ${least}`)
  return number
}

/** What an option that may be given several times holds, each `NAME=VALUE` or of another shape. Throws `UsageError`. */
export function pairsOf(given: string | boolean | undefined, shape: RegExp, usage: string): Record<string, string> {
  if (given === undefined) return {}
  return Object.fromEntries(
    String(given)
      .split('\n')
      .map((one) => {
        const [, name, value] = shape.exec(one) ?? []
        if (name === undefined || value === undefined) throw new UsageError(`${usage}, not '${one}'`)
        return [name, value]
      }),
  )
}
