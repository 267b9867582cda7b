import { type ErrorCode, errorCodes, messageOf, SkerryError } from '../../errors.ts'

/** An error as it crosses a thread or a socket: stacks and causes stay behind, what decides and explains goes. */
export interface Failure {
  readonly code: ErrorCode
  readonly message: string
  readonly retryAfterMs?: number | undefined
}

export function toFailure(error: SkerryError): Failure {
  return { code: error.code, message: error.message, retryAfterMs: error.retryAfterMs }
}

export function toError(failure: Failure): SkerryError {
  const code = failure.code in errorCodes ? failure.code : 'unavailable'
  return failure.retryAfterMs === undefined
    ? new SkerryError(code, failure.message)
    : new SkerryError(code, failure.message, { retryAfterMs: failure.retryAfterMs })
}

/** SQLite's primary result codes that mean something to us; see sqlite.org/rescode.html. */
export const resultCode = { busy: 5, locked: 6, ioError: 10, corrupt: 11, full: 13, cannotOpen: 14, notADatabase: 26 }

export function resultCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined
  // The lower byte is the primary code; the rest says more precisely where.
  return error.errcode & 0xff
}

/** What SQLite said, as an error that names the file and the remedy. */
export function explain(error: unknown, file: string): SkerryError {
  if (error instanceof SkerryError) return error
  const said = messageOf(error)
  const cause = { cause: error }
  switch (resultCodeOf(error)) {
    case resultCode.full:
      return new SkerryError('disk_full', `${file}: no space left, nothing was written; free some, then it goes on`, {
        cause: error,
        retryAfterMs: 1000,
      })
    case resultCode.ioError:
      return new SkerryError('io_error', `${file}: the disk failed (${said}); check it, then try again`, cause)
    case resultCode.corrupt:
    case resultCode.notADatabase:
      return damaged(file, said, error)
    case resultCode.cannotOpen:
      return new SkerryError(
        'io_error',
        `${file}: cannot be opened (${said}); check that its folder can be written`,
        cause,
      )
    case resultCode.busy:
    case resultCode.locked:
      return new SkerryError(
        'store_busy',
        `${file}: another program holds its lock; end that program, then try again`,
        cause,
      )
    default:
      return new SkerryError('io_error', `${file}: ${said}`, cause)
  }
}

export function damaged(file: string, said: string, cause?: unknown): SkerryError {
  return new SkerryError(
    'not_a_database',
    `${file}: not a bus file, or cut short (${said}); restore it from a copy, or move it away to start a new bus`,
    { cause },
  )
}
