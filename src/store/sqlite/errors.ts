import { type ErrorCode, messageOf, SkerryError } from '../../errors.ts'
import { firstLine } from '../text.ts'

// Primary result codes of SQLite (https://www.sqlite.org/rescode.html). Errors carry the extended one, whose low byte this is.
const BUSY = 5
const LOCKED = 6
const NOMEM = 7
const READONLY = 8
const IOERR = 10
const CORRUPT = 11
const FULL = 13
const CANTOPEN = 14
const PROTOCOL = 15
const AUTH = 23
const NOTADB = 26

/** SQLite's primary result code, or undefined for an error that is not SQLite's. */
export function resultCode(error: unknown): number | undefined {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : undefined
  return typeof code === 'number' ? code & 0xff : undefined
}

export function isBusy(error: unknown): boolean {
  const code = resultCode(error)
  return code === BUSY || code === LOCKED || code === PROTOCOL
}

function codeFor(error: unknown): ErrorCode {
  switch (resultCode(error)) {
    case BUSY:
    case LOCKED:
    case PROTOCOL:
      return 'store_busy'
    case FULL:
      return 'disk_full'
    case IOERR:
    case NOMEM:
    case READONLY:
    case CORRUPT:
    case NOTADB:
    case CANTOPEN:
      return 'io_error'
    case AUTH:
      return 'statement_refused'
    default:
      return 'statement_failed'
  }
}

const remedies: Partial<Record<ErrorCode, string>> = {
  disk_full: 'free some space; work goes on by itself',
  io_error: 'check the disk and the file',
  store_busy: 'another process holds its lock',
}

/** Any error of a statement as one of ours, naming the statement; the original is the cause. */
export function statementError(error: unknown, file: string, text: string): SkerryError {
  const at = `(statement: ${firstLine(text)})`
  if (error instanceof SkerryError)
    return error.message.includes('(statement: ')
      ? error
      : new SkerryError(error.code, `${error.message} ${at}`, { cause: error.cause })
  const code = codeFor(error)
  const remedy = remedies[code]
  const message = remedy ? `${file}: ${messageOf(error)}; ${remedy} ${at}` : `${messageOf(error)} ${at}`
  return new SkerryError(code, message, { cause: error })
}

/** An error while opening: here a damaged or foreign file is no passing trouble but a reason not to start. */
export function openError(error: unknown, file: string): SkerryError {
  if (error instanceof SkerryError) return error
  const code = resultCode(error)
  if (code === NOTADB)
    return new SkerryError(
      'not_a_database',
      `${file} is not a SQLite database; name another file, or move this one away`,
      { cause: error },
    )
  if (code === CORRUPT)
    return new SkerryError(
      'not_a_database',
      `${file} is damaged or cut short (${messageOf(error)}); restore it from a copy`,
      { cause: error },
    )
  return statementError(error, file, 'open')
}
