import { JetStreamApiError } from '@nats-io/jetstream'
import { errors } from '@nats-io/transport-node'
import { messageOf, SkerryError } from '../../errors.ts'
import { tlsError } from '../../tls.ts'

/** Error codes of JetStream's API that decide something here. */
const apiCode = {
  wrongLastSequence: 10071,
  maximumBytes: 10077,
  memoryExceeded: 10028,
  storageExceeded: 10047,
  insufficientResources: 10023,
  accountLimit: 10002,
  streamExists: 10058,
  streamMissing: 10059,
  noMessage: 10037,
  consumerMissing: 10014,
}

const full: ReadonlySet<number> = new Set([
  apiCode.maximumBytes,
  apiCode.memoryExceeded,
  apiCode.storageExceeded,
  apiCode.insufficientResources,
  apiCode.accountLimit,
])

const codeIn = (error: unknown): number | undefined => (error instanceof JetStreamApiError ? error.code : undefined)

/** Somebody else was faster: what was believed of the subject's last message is out of date. */
export const isOutdated = (error: unknown): boolean => codeIn(error) === apiCode.wrongLastSequence
export const isFull = (error: unknown): boolean => full.has(codeIn(error) ?? 0)
export const isTaken = (error: unknown): boolean => codeIn(error) === apiCode.streamExists
export const isMissingConsumer = (error: unknown): boolean => codeIn(error) === apiCode.consumerMissing
export const isMissingStream = (error: unknown): boolean => codeIn(error) === apiCode.streamMissing

const refusals = [
  errors.AuthorizationError,
  errors.UserAuthenticationExpiredError,
  errors.PermissionViolationError,
] as const

export function isRefusal(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  return refusals.some((kind) => error instanceof kind || cause instanceof kind)
}

/** True when the same question may be answered later: the server is away, restarting, or electing a leader. */
export function mayPass(error: unknown): boolean {
  if (error instanceof SkerryError) return error.code === 'unavailable'
  if (isFull(error)) return false
  if (error instanceof JetStreamApiError) return error.status >= 500 || error.code === apiCode.streamMissing
  return !isRefusal(error)
}

/** What NATS said, as an error that names the server and the remedy. */
export function explain(error: unknown, where: string): SkerryError {
  if (error instanceof SkerryError) return error
  const said = messageOf(error)
  const cause = { cause: error }
  if (isFull(error))
    return new SkerryError(
      'overloaded',
      `${where}: has no room (${said}); raise maxBytes or the server's limit, or forget abandoned subscriptions so that retention can go on`,
      { ...cause, retryAfterMs: 250 },
    )
  if (isRefusal(error))
    return new SkerryError(
      'unauthorized',
      `${where}: refused us (${said}); check the credentials, and that they may use JetStream and skerry.>`,
      cause,
    )
  const distrusted = tlsError(error, where)
  if (distrusted) return distrusted
  if (isOutdated(error)) return new SkerryError('conflict', `${where}: somebody else changed it first (${said})`, cause)
  // A server that refuses a certificate hangs up, which the client tells as a time-out.
  const asked = where.startsWith('tls:')
    ? 'is nats-server running there, and does it accept our certificate (?cert=<file>&key=<file>)?'
    : 'is nats-server running with JetStream?'
  return new SkerryError('unavailable', `${where}: does not answer (${said}); ${asked}`, {
    ...cause,
    retryAfterMs: 1000,
  })
}
