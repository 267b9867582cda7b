import { type AnyCall, Refusal } from '../call.ts'
import { codeOf, type ErrorCode, messageOf, SkerryError } from '../errors.ts'

/** Codes that say the same of a callee as of the caller, as the table of errors of calls has them. */
const shared: ReadonlySet<ErrorCode> = new Set([
  'invalid_request',
  'unauthorized',
  'not_found',
  'method_not_allowed',
  'request_too_large',
  'unsupported_media_type',
  'key_reused',
  'in_progress',
  'cancelled',
  'overloaded',
  'unavailable',
  'outcome_unknown',
  'deadline_exceeded',
  'conflict',
  'invalid_config',
])
/** The callee's own trouble, which passes: to its caller it is away. */
const passing: ReadonlySet<ErrorCode> = new Set(['closed', 'fenced', 'store_busy', 'disk_full', 'io_error'])

/**
 * A callee's error as its caller may have it: what would say something of the caller's own event, such as that a row's version was
 * stale or its budget over, says nothing of it here.
 */
export function asCallersOwn(type: AnyCall, error: unknown): SkerryError {
  const code = codeOf(error)
  if (error instanceof Refusal || (error instanceof SkerryError && shared.has(code))) return error
  const retryAfterMs = error instanceof SkerryError ? error.retryAfterMs : undefined
  const more = { cause: error, ...(retryAfterMs !== undefined && { retryAfterMs }) }
  if (passing.has(code)) return new SkerryError('unavailable', `${type.label}: ${messageOf(error)}`, more)
  if (code === 'version_conflict') return new SkerryError('conflict', messageOf(error), more)
  return new SkerryError('failed', `${type.label} failed: ${messageOf(error)}`, more)
}
