import { codeOf, messageOf, SkerryError } from '../errors.ts'
import { nearest } from '../nearest.ts'

/** How the command ended. 64 is EX_USAGE of BSD's sysexits. */
export const exits = { fine: 0, failed: 1, partly: 2, usage: 64 } as const

/** The command line itself is wrong: nothing was tried. */
export class UsageError extends SkerryError {
  constructor(message: string) {
    super('invalid_config', message)
  }
}

/** Names what is unknown, and what is meant most likely. */
export function unknown(kind: string, given: string, known: readonly string[], more = ''): UsageError {
  const close = nearest(given, known)
  return new UsageError(`unknown ${kind} '${given}'${close === undefined ? '' : `; did you mean '${close}'?`}${more}`)
}

/** For a thing that should be there: names the nearest one that is. */
export function missing(kind: string, given: string, known: readonly string[], remedy: string): SkerryError {
  const close = nearest(given, known)
  const hint = close === undefined ? 'there are none' : `the nearest is '${close}'`
  return new SkerryError('not_found', `no ${kind} '${given}'; ${hint}. ${remedy}`)
}

/** Lines are told apart even so: each may be a problem of its own. */
const inOneLine = (text: string): string =>
  text.replaceAll(/([^\s:;,.])?\s*\n\s*/g, (_, last?: string) => (last === undefined ? ' ' : `${last}; `))

/** One line, and the exit code that goes with it. */
export function describeFailure(error: unknown, json: boolean): { readonly line: string; readonly exit: number } {
  const usage = error instanceof UsageError
  const message = inOneLine(messageOf(error))
  const code = usage ? 'usage' : codeOf(error)
  const line = json
    ? JSON.stringify({ error: { code, message } })
    : `skerry: ${usage ? message : `${code}: ${message}`}`
  return { line, exit: usage ? exits.usage : exits.failed }
}
