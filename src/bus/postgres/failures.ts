import { messageOf, SkerryError } from '../../errors.ts'
import { postgresTlsNames, tlsError } from '../../tls.ts'

/** The server's place for people: without the password, and without what else a URL may hold. */
export function placeOf(url: string): string {
  try {
    const { hostname, port, pathname, username } = new URL(url)
    return `postgres://${username ? `${username}@` : ''}${hostname}${port ? `:${port}` : ''}${pathname}`
  } catch {
    return 'postgres:'
  }
}

/** SQLSTATE, or what the network said, such as `ECONNREFUSED`. */
export function sqlState(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code !== undefined) return String(code)
  // All addresses of a host failed: one of them says why.
  return error instanceof AggregateError ? sqlState(error.errors[0]) : ''
}

/** What the client library says without a code when a connection is lost, or none could be made in time. */
const lostMessages =
  /^(Connection terminated|timeout expired|timeout exceeded|Query read timeout|Client has encountered a connection error|Client was closed|read |write )/i

const lostStates =
  /^(08...|57P0[1-5]|53300|53400|25006|55P03|57014|58000|E(CONN|PIPE|TIMEDOUT|NOTFOUND|AI_AGAIN|HOST|NET|ADDR)[A-Z]*|ENOENT|EACCES)$/
/** Two transactions met: the same again at once. */
const collisions = new Set(['40001', '40P01'])
/** Refused at the door. When a bus is open already, credentials may be on their way back. */
const refusals = /^(28...|42501|3D000)$/

/** Nothing came for as long as a statement may take. */
export const isSilence = (error: unknown): boolean => /^Query read timeout/.test(messageOf(error))

export type Trouble = 'lost' | 'collision' | 'refused' | 'other'

/** What kind of failure that was: whether trying again may help, and how soon. */
export function troubleOf(error: unknown): Trouble {
  const state = sqlState(error)
  if (collisions.has(state)) return 'collision'
  if (refusals.test(state) || tlsError(error, '')) return 'refused'
  if (lostStates.test(state) || (state === '' && lostMessages.test(messageOf(error)))) return 'lost'
  return 'other'
}

export function unavailable(place: string, error: unknown, forMs: number): SkerryError {
  return new SkerryError(
    'unavailable',
    `${place}: has not answered for ${Math.round(forMs)} ms (${reasonOf(error)}); check the server and the network`,
    { cause: error, retryAfterMs: 1000 },
  )
}

/** What the server said to a request that no repetition mends. */
export function explain(error: unknown, place: string): SkerryError {
  if (error instanceof SkerryError) return error
  const cause = { cause: error }
  const reason = reasonOf(error)
  const state = sqlState(error)
  if (state === '53100')
    return new SkerryError('overloaded', `${place}: no space left on the server's disk (${reason}); free some`, {
      cause: error,
      retryAfterMs: 1000,
    })
  const distrusted = tlsError(error, place, postgresTlsNames)
  if (distrusted) return distrusted
  if (state === '3D000') return new SkerryError('not_found', `${place}: ${reason}; create the database first`, cause)
  if (refusals.test(state))
    return new SkerryError('unauthorized', `${place}: ${reason}; check the user, its password and its rights`, cause)
  if (state === 'SK001')
    return new SkerryError('log_changed', `${place}: ${reason}: it was restored from an older copy`, cause)
  if (state === '3F000' || state === '42883' || state === '42P01')
    return new SkerryError('log_changed', `${place}: ${reason}; the bus was deleted while it was open`, cause)
  return new SkerryError('io_error', `${place}: ${reason}`, cause)
}

export function reasonOf(error: unknown): string {
  const told = error instanceof AggregateError && !error.message ? error.errors[0] : error
  return messageOf(told).split('\n')[0] as string
}
