/** The parts of the time that a call took, in milliseconds. Their sum is the whole. */
export interface LatencyParts {
  /** From the client's first byte until the handler had read the request: validation and waiting for a turn included. */
  readonly requestMs: number
  /** From there until the server had written its answer. */
  readonly responseMs: number
  /** All that the server did not see: the wire, both kernels, connecting, and what the client itself took. */
  readonly networkMs: number
}

/** What a server measured of one call, by its own clock, in milliseconds. */
export interface ServerTiming {
  readonly requestMs: number
  readonly responseMs: number
}

/**
 * Splits what a call took in all by what the server says of it. The two clocks need not agree: only durations are used. A server
 * that claims more than the whole, as the clocks' rounding can have it, is scaled down to it, so that no part is ever negative.
 */
export function splitLatency(totalMs: number, server: ServerTiming): LatencyParts {
  const serverMs = server.requestMs + server.responseMs
  const scale = serverMs > totalMs && serverMs > 0 ? totalMs / serverMs : 1
  const requestMs = Math.min(totalMs, server.requestMs * scale)
  const responseMs = scale === 1 ? server.responseMs : totalMs - requestMs
  return { requestMs, responseMs, networkMs: Math.max(0, totalMs - requestMs - responseMs) }
}

const requestName = 'skerry-request'
const responseName = 'skerry-response'

/** As a value of `Server-Timing`, to the microsecond. */
export function writeServerTiming(server: ServerTiming): string {
  return `${requestName};dur=${round(server.requestMs)}, ${responseName};dur=${round(server.responseMs)}`
}

function round(ms: number): number {
  return Math.round(Math.max(0, ms) * 1000) / 1000
}

/**
 * Reads our two metrics out of a `Server-Timing`, which others may have added to; nothing when either is missing or makes no
 * sense. An answer that was relayed may hold those of a server further on: the last ones were added by the nearest.
 */
export function readServerTiming(text: string | undefined): ServerTiming | undefined {
  if (text === undefined || text.length > longest) return undefined
  const [, request, response] = asWritten.exec(text) ?? []
  return request === undefined ? readAmongOthers(text) : { requestMs: Number(request), responseMs: Number(response) }
}

/** As `writeServerTiming` has it, with nothing else: almost always. */
const asWritten = /^skerry-request;dur=(\d{1,9}(?:\.\d{1,9})?), skerry-response;dur=(\d{1,9}(?:\.\d{1,9})?)$/

function readAmongOthers(text: string): ServerTiming | undefined {
  const found = new Map<string, number>()
  for (const metric of text.split(',')) {
    const [name, ...parameters] = metric.split(';').map((part) => part.trim())
    if (name !== requestName && name !== responseName) continue
    const dur = parameters.find((parameter) => /^dur\s*=/i.test(parameter))
    const ms = /^dur\s*=\s*"?(\d{1,9}(?:\.\d{1,9})?)"?$/i.exec(dur ?? '')?.[1]
    if (ms === undefined) return undefined
    found.set(name, Number(ms))
  }
  const [requestMs, responseMs] = [found.get(requestName), found.get(responseName)]
  return requestMs === undefined || responseMs === undefined ? undefined : { requestMs, responseMs }
}

/** Longer than any that makes sense: it comes from outside, and is read for each answer. */
const longest = 4096
