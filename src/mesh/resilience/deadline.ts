/**
 * A deadline travels as the time that is left, since two machines' clocks do not agree: in `skerry-timeout-ms`, or with gRPC in
 * `grpc-timeout`. Within a process it is a moment of the monotonic clock, in milliseconds.
 */
export const deadlineHeader = 'skerry-timeout-ms'

/** Nobody waits longer than a day for an answer. */
const longestMs = 86_400_000

/** What a header says is left, in milliseconds; nothing where it is missing or malformed. Longer than a day is a day. */
export function readTimeout(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined
  return Math.min(Number(text), longestMs)
}

const grpcUnits: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 }

/** The same from `grpc-timeout`, such as `2S` or `150m` (at most eight digits and a unit). */
export function readGrpcTimeout(text: string | undefined): number | undefined {
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(text ?? '') ?? []
  if (digits === undefined || unit === undefined) return undefined
  return Math.min(Number(digits) * (grpcUnits[unit] as number), longestMs)
}

export function writeTimeout(leftMs: number): string {
  return String(leftMs)
}

export function writeGrpcTimeout(leftMs: number): string {
  return leftMs < 1e8 ? `${leftMs}m` : `${Math.floor(leftMs / 1000)}S`
}

/** The moment at which a call must have its answer: what the caller was given ends it, however much it asks for itself. */
export function deadlineOf(now: number, ownMs: number, inherited?: number): number {
  return Math.min(now + Math.min(ownMs, longestMs), inherited ?? Number.POSITIVE_INFINITY)
}

/**
 * What is left to say at the next hop, in whole milliseconds; nothing when it is over. It is at least one less than what is left
 * here, so that even calls in a circle end.
 */
export function timeoutForNextHop(deadline: number, now: number): number | undefined {
  const leftMs = Math.floor(deadline - now) - 1
  return leftMs >= 1 ? leftMs : undefined
}
