import { SkerryError } from '../../errors.ts'
import type { Attributes } from '../../event.ts'
import { writeServerTiming } from '../latency.ts'
import type { Priority } from '../resilience/concurrency-limit.ts'
import { deadlineHeader } from '../resilience/deadline.ts'

/** What a caller says about its call, beside the input. */
export interface About {
  readonly from: string | undefined
  readonly key: string | undefined
  readonly deadlineMs: number | undefined
  readonly attributes: Attributes | undefined
}

/** The server's share of a call's time: until its input was read, and from then on. */
export const timingHeaders = (requestMs: number, responseMs: number): Record<string, string> => ({
  'server-timing': writeServerTiming({ requestMs, responseMs }),
})

/** How urgent a call is: `low` is turned away first. */
export const priorityHeader = 'skerry-priority'
/** Only in answers to calls of which nothing has begun, with the reason: see `Unbegun`. */
export const unbegunHeader = 'skerry-not-begun'

export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

/** The service that calls. */
export const fromHeader = 'skerry-from'
/** As in the draft of the IETF: a structured string, in quotes; bare text is taken, too. */
export const keyHeader = 'idempotency-key'

/** Throws `invalid_request` naming the header. */
export function readAbout(headers: Headers): About {
  const trace = headers.traceparent
  return {
    from: matching(headers, fromHeader, /^[a-z][a-z0-9-]{0,62}$/, 'the name of a service'),
    key: keyOf(headers),
    deadlineMs: numberOf(matching(headers, deadlineHeader, /^[1-9]\d{0,8}$/, 'milliseconds')),
    // Whoever sends a broken one has none, says W3C: a new trace begins.
    attributes: typeof trace === 'string' && isTrace(trace) ? { traceparent: trace } : undefined,
  }
}

/** Throws `invalid_request` for what is neither. */
export function readPriority(headers: Headers): Priority {
  return (matching(headers, priorityHeader, /^(?:normal|low)$/, 'normal or low') ?? 'normal') as Priority
}

const numberOf = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text))

const isTrace = (text: string): boolean => /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/.test(text)

function keyOf(headers: Headers): string | undefined {
  const text = matching(headers, keyHeader, /^(?:"(?:[ !#-[\]-~]|\\["\\])+"|[!#-~]+)$/, 'a string in quotes')
  if (text === undefined) return undefined
  const key = text.startsWith('"') ? text.slice(1, -1).replaceAll(/\\(["\\])/g, '$1') : text
  if (key.length <= 255) return key
  throw new SkerryError('invalid_request', `header ${keyHeader}: at most 255 characters`)
}

function matching(headers: Headers, name: string, shape: RegExp, what: string): string | undefined {
  const value = headers[name]
  if (value === undefined) return undefined
  if (typeof value === 'string' && shape.test(value)) return value
  throw new SkerryError('invalid_request', `header ${name}: give ${what}`)
}

/** Headers that mean one thing: two of them may be read as either by whoever passes them on. */
const single: ReadonlySet<string> = new Set([
  'host',
  'content-type',
  'content-length',
  'content-encoding',
  'transfer-encoding',
  'authorization',
  'traceparent',
  fromHeader,
  deadlineHeader,
  keyHeader,
  priorityHeader,
])

/** The first header that is there twice and may not be. `raw` alternates names and values. */
export function duplicateOf(raw: readonly string[]): string | undefined {
  const seen = new Set<string>()
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] as string).toLowerCase()
    if (!single.has(name)) continue
    if (seen.has(name)) return name
    seen.add(name)
  }
  return undefined
}
