import { type ErrorCode, isEnvironmental, messageOf, SkerryError } from '../../errors.ts'
import { postgresTlsNames, tlsError } from '../../tls.ts'
import { firstLine } from '../text.ts'

/** PostgreSQL's SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html), or Node's code of a socket. */
export function stateOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : ''
}

/** Asks for the whole transaction again: a conflict between transactions, or statements that must be prepared anew. */
const conflicts = new Set(['40001', '40P01'])

/** Prepared statements that are not what this connection thinks: tables changed, or a pooler put another one in its place. */
export function isStale(error: unknown): boolean {
  const state = stateOf(error)
  return state === '26000' || state === '42P05' || (state === '0A000' && /cached plan/.test(messageOf(error)))
}

export function codeFor(error: unknown): ErrorCode {
  const state = stateOf(error)
  if (conflicts.has(state) || isStale(error)) return 'conflict'
  if (state === '53100') return 'disk_full'
  if (state === '55P03' || state === '53300') return 'store_busy'
  if (state === '25006') return 'statement_refused'
  // A statement that took too long is its handler's; one that somebody cancelled is nobody's.
  if (state === '57014') return /statement timeout/.test(messageOf(error)) ? 'statement_failed' : 'io_error'
  // Class by class: connections, authorisation, resources, operators' doings, the system, corruption. Rights that were
  // taken away are no event's fault either.
  if (/^(08|28|53|57|58|XX)/.test(state) || state === '25P03' || state === '42501') return 'io_error'
  return /^[0-9A-Z]{5}$/.test(state) ? 'statement_failed' : 'io_error'
}

const remedies: Partial<Record<ErrorCode, string>> = {
  disk_full: 'free some space at the server; work goes on by itself',
  io_error: 'check the server; work goes on by itself',
  store_busy: 'another transaction holds a lock, or there is no connection left',
}

/** Any error of a statement as one of ours, naming the statement; the original is the cause. */
export function statementError(error: unknown, place: string, text: string): SkerryError {
  const at = `(statement: ${firstLine(text)})`
  if (error instanceof SkerryError)
    return error.message.includes('(statement: ') || isEnvironmental(error)
      ? error
      : new SkerryError(error.code, `${error.message} ${at}`, { cause: error.cause })
  const code = codeFor(error)
  const remedy = remedies[code]
  const message = remedy ? `${place}: ${messageOf(error)}; ${remedy} ${at}` : `${messageOf(error)} ${at}`
  return new SkerryError(code, message, { cause: error })
}

/** Why a store cannot be opened: here a server that cannot be reached, or refuses, is a reason not to start. */
export function openError(error: unknown, place: string): SkerryError {
  if (error instanceof SkerryError)
    return error.code === 'io_error' && error.cause !== undefined ? openError(error.cause, place) : error
  const state = stateOf(error)
  const fail = (code: ErrorCode, remedy: string): SkerryError =>
    new SkerryError(code, `${place}: ${messageOf(error)}; ${remedy}`, { cause: error })
  const distrusted = tlsError(error, place, postgresTlsNames)
  if (distrusted) return distrusted
  if (state.startsWith('28')) return fail('unauthorized', 'check user and password')
  if (state === '3D000') return fail('invalid_config', 'create the database, or name another')
  if (state === '42501')
    return fail('unauthorized', 'grant the user `create` on the database, or make the schema its own')
  return fail('unavailable', 'check that the server runs and can be reached')
}

/** After this nothing is left of the transaction, whatever savepoint there was. */
export function endsTransaction(error: SkerryError): boolean {
  return isEnvironmental(error) || error.code === 'conflict'
}
