import { type ErrorCode, errorCodes } from '../../errors.ts'

/** What an error is to callers, over HTTP and over gRPC. */
export interface Wired {
  /** HTTP status. */
  readonly status: number
  /** Status code of gRPC (google.rpc.Code). */
  readonly grpc: number
}

const internal: Wired = { status: 500, grpc: 13 }
const unavailable: Wired = { status: 503, grpc: 14 }

/** The one table. What is not in it is a fault of the service: 500, and the caller is told no more. */
const table: Partial<Record<ErrorCode, Wired>> = {
  invalid_request: { status: 400, grpc: 3 },
  unauthorized: { status: 403, grpc: 7 },
  not_found: { status: 404, grpc: 5 },
  method_not_allowed: { status: 405, grpc: 12 },
  refused: { status: 409, grpc: 9 },
  conflict: { status: 409, grpc: 10 },
  in_progress: { status: 409, grpc: 10 },
  version_conflict: { status: 409, grpc: 10 },
  request_too_large: { status: 413, grpc: 8 },
  unsupported_media_type: { status: 415, grpc: 3 },
  key_reused: { status: 422, grpc: 3 },
  cancelled: { status: 499, grpc: 1 },
  overloaded: { status: 503, grpc: 8 },
  unavailable,
  closed: unavailable,
  fenced: unavailable,
  store_busy: unavailable,
  disk_full: unavailable,
  io_error: unavailable,
  outcome_unknown: { status: 503, grpc: 2 },
  deadline_exceeded: { status: 504, grpc: 4 },
}

export function wired(code: ErrorCode): Wired {
  return table[code] ?? internal
}

/** What a status of gRPC stands for, where nothing more is said: what only a caller can mend is not tried again. */
const ofGrpc: Readonly<Record<number, ErrorCode>> = {
  1: 'cancelled',
  3: 'invalid_request',
  4: 'deadline_exceeded',
  5: 'not_found',
  6: 'refused',
  7: 'unauthorized',
  8: 'overloaded',
  9: 'refused',
  10: 'conflict',
  11: 'invalid_request',
  12: 'method_not_allowed',
  14: 'unavailable',
  16: 'unauthorized',
}

export function codeOfGrpc(grpcStatus: number): ErrorCode {
  return ofGrpc[grpcStatus] ?? 'failed'
}

/** The code that an answer of this status stands for, where it says none. */
export function codeOfStatus(status: number): ErrorCode {
  const known = (Object.keys(table) as ErrorCode[]).find((code) => table[code]?.status === status)
  if (known) return known
  return status < 500 ? 'invalid_request' : 'failed'
}

export const isCode = (text: unknown): text is ErrorCode => typeof text === 'string' && Object.hasOwn(errorCodes, text)
