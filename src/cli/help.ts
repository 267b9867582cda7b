import { globalOptions } from './arguments.ts'
import type { Command, Option } from './command.ts'

/** The help of the whole program. */
export function helpOf(commands: readonly Command[]): string {
  const rows = commands.map((command): [string, string] => [`skerry ${command.usage}`, command.summary])
  return [
    'skerry: event-driven services in which every event is handled as if it were alone',
    '',
    ...rows.flatMap(([usage, summary]) => [`  ${usage}`, `      ${summary}`]),
    '',
    'Options of all commands:',
    ...optionLines(globalOptions),
    '',
    'Exit codes: 0 done, 1 failed, 2 done in part (some lines were rejected), 64 the command line is wrong.',
  ].join('\n')
}

export function helpOfOne(command: Command): string {
  return [
    `skerry ${command.usage}`,
    `  ${command.summary}`,
    ...(command.details ? ['', command.details] : []),
    '',
    ...optionLines({ ...command.options, ...globalOptions }),
  ].join('\n')
}

function optionLines(options: Readonly<Record<string, Option>>): string[] {
  const rows = Object.entries(options)
    .filter(([, option]) => option.help !== '')
    .map(([name, { type, short, value, help }]): [string, string] => [
      `${short ? `-${short}, ` : ''}--${name}${value ? (type === 'optional' ? `[=${value}]` : ` ${value}`) : ''}`,
      help,
    ])
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, help]) => `  ${name.padEnd(width)}  ${help}`)
}
