/** Longest wait that is taken seriously: an hour. */
const longestMs = 3_600_000

const httpDate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/

/** How long `Retry-After` asks to wait, in milliseconds, given as seconds or as a date (RFC 9110 §10.2.3). */
export function readRetryAfter(text: string | undefined, wallMs: number): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,9}$/.test(text)) return Math.min(Number(text) * 1000, longestMs)
  const at = httpDate.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(at) ? undefined : Math.min(Math.max(0, at - wallMs), longestMs)
}

/** The same of `grpc-retry-pushback-ms`. A negative one, which asks for no retry at all, is not obeyed. */
export function readPushback(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Math.min(Number(text), longestMs) : undefined
}

/** Whole seconds, never less than asked for. */
export function writeRetryAfter(waitMs: number): string {
  return String(Math.ceil(waitMs / 1000))
}
