/**
 * Every failure in Skerry is one `SkerryError` with a code from this closed table. The code alone decides
 * whether trying again can help; the message names the thing and the remedy; `cause` keeps what was underneath.
 *
 * - `never`:  trying again cannot help; an event that fails so becomes a dead letter at once.
 * - `attempt`: try again, charging the event one attempt.
 * - `free`:   not the event's fault; try again without charging it.
 */
export const errorCodes = {
  // about events
  invalid_event: 'never',
  event_too_large: 'never',
  unknown_version: 'free',
  stale: 'never',
  crashed: 'never',
  in_doubt: 'never',
  // about handlers
  failed: 'attempt',
  terminal: 'never',
  version_conflict: 'free',
  budget_exceeded: 'free',
  deadline_exceeded: 'attempt',
  unavailable: 'free',
  unauthorized: 'never',
  tx_ended: 'never',
  statement_refused: 'never',
  statement_failed: 'attempt',
  // about calls
  invalid_request: 'never',
  request_too_large: 'never',
  unsupported_media_type: 'never',
  method_not_allowed: 'never',
  key_reused: 'never',
  in_progress: 'free',
  cancelled: 'never',
  refused: 'never',
  // about engines
  overloaded: 'free',
  fenced: 'free',
  closed: 'free',
  store_busy: 'free',
  disk_full: 'free',
  io_error: 'free',
  conflict: 'free',
  outcome_unknown: 'free',
  // about set-up: these stop a start, never an event
  invalid_config: 'never',
  not_found: 'never',
  log_changed: 'never',
  position_lost: 'never',
  subscription_taken: 'never',
  migration_refused: 'never',
  not_a_database: 'never',
  capability_absent: 'never',
} as const satisfies Record<string, 'never' | 'attempt' | 'free'>

export type ErrorCode = keyof typeof errorCodes

export class SkerryError extends Error {
  readonly code: ErrorCode
  /** When the raiser knows how long to wait before the next try, in milliseconds. */
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; retryAfterMs?: number } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.name = 'SkerryError'
    this.code = code
    this.retryAfterMs = options.retryAfterMs
  }
}

/** The code of anything thrown: its own if it is ours, `failed` for everything else. */
export function codeOf(error: unknown): ErrorCode {
  return error instanceof SkerryError ? error.code : 'failed'
}

/** One line that says what went wrong, without a stack. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message || error.name
  return String(error)
}

/** An error and all that it holds as causes or parts, outermost first. */
export function causesOf(error: unknown): object[] {
  const all: object[] = []
  const add = (one: unknown): void => {
    if (typeof one !== 'object' || one === null || all.includes(one)) return
    all.push(one)
    if ('errors' in one && Array.isArray(one.errors)) one.errors.forEach(add)
    if ('cause' in one) add(one.cause)
  }
  add(error)
  return all
}

const environmental: ReadonlySet<ErrorCode> = new Set([
  'disk_full',
  'io_error',
  'store_busy',
  'closed',
  'fenced',
  'outcome_unknown',
])

/** True for failures of the machine or the engine beneath a handler: no event is to blame, nothing is charged. */
export function isEnvironmental(error: unknown): boolean {
  return error instanceof SkerryError && environmental.has(error.code)
}
