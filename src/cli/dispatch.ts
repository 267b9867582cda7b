import { checkCount, parseFor, wordsOf } from './arguments.ts'
import type { Command, Invocation } from './command.ts'
import { commands } from './commands.ts'
import { describeFailure, exits, UsageError, unknown } from './failure.ts'
import { helpOf, helpOfOne } from './help.ts'
import { Output } from './output.ts'

/** Runs one command line; resolves with the exit code. Every failure is one line. */
export async function main(args: readonly string[]): Promise<number> {
  const out = new Output(args.includes('--json'))
  try {
    return await perform(args, out)
  } catch (error) {
    const { line, exit } = describeFailure(error, out.json)
    out.note(line)
    return exit
  }
}

async function perform(args: readonly string[], out: Output): Promise<number> {
  const words = wordsOf(args)
  if (words.length === 0 || words[0] === 'help') {
    await out.line(helpOf(commands))
    return words.length > 0 || args.includes('--help') || args.includes('-h') ? exits.fine : exits.usage
  }
  const command = choose(words, args)
  const { positionals, values } = parseFor(command, args)
  if (values.help === true) {
    await out.line(helpOfOne(command))
    return exits.fine
  }
  checkCount(command, positionals)
  return command.run({ positionals, values, engine: engineOf(values), app: appOf(values), out, args })
}

function choose(words: readonly string[], args: readonly string[]): Command {
  const named = (name: string): Command | undefined => commands.find((command) => command.name === name)
  const found = named(words.join(' ')) ?? named(words[0] ?? '')
  if (found) return found
  const family = commands.filter((command) => command.name.startsWith(`${words[0]} `))
  if (family.length > 0 && words.length === 1) {
    if (args.includes('--help') || args.includes('-h'))
      throw new UsageError(`use: ${family.map((c) => c.usage).join(' | ')}`)
    throw new UsageError(`${words[0]}: say what: ${family.map((command) => command.name).join(', ')}`)
  }
  const names = (family.length > 0 ? family : commands).map((command) => command.name)
  const given = family.length > 0 ? words.join(' ') : (words[0] ?? '')
  throw unknown('command', given, names, ' See: skerry --help')
}

function engineOf(values: Invocation['values']): Invocation['engine'] {
  const { dir, bus, store, durability } = values
  return {
    app: appOf(values),
    ...(durability !== undefined && { durability: durabilityOf(String(durability)) }),
    ...(dir !== undefined && { dir: String(dir) }),
    ...(bus !== undefined && { bus: String(bus) }),
    ...(store !== undefined && { store: String(store) }),
  }
}

function durabilityOf(word: string): 'full' | 'normal' | 'engine' {
  if (word === 'full' || word === 'normal' || word === 'engine') return word
  throw new UsageError(`--durability '${word}': use full, normal or engine`)
}

function appOf(values: Invocation['values']): string {
  const app = String(values.app ?? (process.env.SKERRY_APP || 'skerry'))
  if (!/^[A-Za-z0-9][\w.-]{0,62}$/.test(app))
    throw new UsageError(`--app '${app}': use letters, digits, '.', '-' and '_', at most 63`)
  return app
}
