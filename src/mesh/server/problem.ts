import { STATUS_CODES } from 'node:http'
import { Refusal } from '../../call.ts'
import { codeOf, type ErrorCode, messageOf, SkerryError } from '../../errors.ts'
import { wired } from './errors.ts'
import { Unbegun, type Unready } from './unbegun.ts'

/** A problem document (RFC 9457): its type is `about:blank`, so that its title is the status in words; `code` tells more. */
export interface Problem {
  readonly title: string
  readonly status: number
  readonly detail?: string
  readonly code: ErrorCode
  /** Of a refusal that the contract declares: its name, and what goes with it. */
  readonly reason?: string
  readonly data?: unknown
}

export interface ProblemAnswer {
  readonly problem: Problem
  /** For the header of this name, in whole seconds. */
  readonly retryAfterS: number | undefined
  /** Why nothing of the call has begun, where that is sure. */
  readonly unbegun?: Unready
}

export const problemType = 'application/problem+json'

/** What went wrong, in words for a caller. Faults of the service stay within it. */
export function problemOf(error: unknown): ProblemAnswer {
  const code = codeOf(error)
  if (error instanceof Refusal) {
    const { status, reason, data } = error
    const said = { code, reason, ...(data !== undefined && { data }) }
    return { problem: { title: titleOf(status), status, detail: messageOf(error), ...said }, retryAfterS: undefined }
  }
  const { status } = wired(code)
  if (status === 500)
    return { problem: problem(status, code, 'a fault of the service; its log tells more'), retryAfterS: undefined }
  const retryAfterMs = error instanceof SkerryError ? error.retryAfterMs : undefined
  const retryAfterS = Math.max(1, Math.ceil((retryAfterMs ?? 1000) / 1000))
  const waits = status === 503 || retryAfterMs !== undefined
  return {
    problem: problem(status, code, messageOf(error)),
    retryAfterS: waits ? retryAfterS : undefined,
    ...(error instanceof Unbegun && { unbegun: error.why }),
  }
}

export function problem(status: number, code: ErrorCode, detail: string): Problem {
  return { title: titleOf(status), status, detail, code }
}

const titleOf = (status: number): string => STATUS_CODES[status] ?? (status === 499 ? 'Client Closed Request' : 'Error')
