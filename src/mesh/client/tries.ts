import { SkerryError } from '../../errors.ts'
import type { Random } from '../../ids.ts'
import { type Clock, pause } from '../../time.ts'
import { Abort } from '../aborting.ts'
import { type LatencyParts, readServerTiming, splitLatency } from '../latency.ts'
import type { Outcome } from '../request.ts'
import { deadlineHeader, timeoutForNextHop, writeTimeout } from '../resilience/deadline.ts'
import type { HedgePolicy } from '../resilience/hedging.ts'
import { type CallRetryPolicy, decideCallRetry } from '../resilience/retry.ts'
import { readPushback, readRetryAfter } from '../resilience/retry-after.ts'
import { unbegunHeader } from '../server/headers.ts'
import type { Unready } from '../server/unbegun.ts'
import { type Ending, Lost, type Target, type Transport, type WireAnswer, type WireRequest } from '../transport.ts'
import type { Deadlines } from './deadlines.ts'
import type { Destination } from './destination.ts'
import type { Picked } from './group.ts'
import { hedged } from './hedged.ts'

/** One call to one destination, whatever number of tries it takes. */
export interface Trying {
  readonly destination: Destination
  /** For messages: `orders`, `orders/canary`. */
  readonly label: string
  readonly request: WireRequest
  readonly retry: CallRetryPolicy
  readonly idempotent: boolean
  readonly outermost: boolean
  /** Monotonic, in milliseconds. */
  readonly deadline: number
  /** What decides who is asked where endpoints are chosen by key. */
  readonly key: string | undefined
  readonly signal: AbortSignal
}

export interface TryTools {
  readonly clock: Clock
  readonly random: Random
  readonly transport: Transport
  readonly deadlines: Deadlines
}

export interface Answered {
  readonly answer: WireAnswer
  /** Id of the endpoint that answered. */
  readonly from: string
  readonly tries: number
  /** Of the last try; what waits and earlier tries took is in `networkMs`. */
  readonly latency: LatencyParts
}

/**
 * Retry around {balancing → circuit → deadline → transport}. Resolves with the last answer, of whatever status; rejects with
 * `unavailable` (nobody to ask, or no answer), `deadline_exceeded`, or the signal's reason.
 */
export async function tryAll(trying: Trying, tools: TryTools): Promise<Answered> {
  const { destination, retry, label, signal } = trying
  const { clock, random } = tools
  const began = clock.monotonic()
  if (!destination.throttle.admits(began, random))
    throw new Unasked('overloaded', `${label}: it turns most calls away, so this one was not sent; ask later`, {
      retryAfterMs: 1000,
    })
  const avoid = retry.avoidTried ? new Set<string>() : undefined
  let last: Answered | undefined
  for (let tries = 1, retrying = false, now = began; ; tries++, now = clock.monotonic()) {
    const picked = destination.group.pick({ now, key: trying.key, avoid: avoid?.size ? avoid : undefined })
    if (!picked) {
      if (retrying) destination.retried()
      if (last) return last
      throw nobody(trying, retrying)
    }
    avoid?.add(picked.endpoint.id)
    const { tried, by } = destination.settings.hedging
      ? await tryHedged(picked, destination.settings.hedging, trying, tools, avoid)
      : { tried: await tryOnce(picked.endpoint, trying, signal, now, tools), by: picked }
    const ended = clock.monotonic()
    if (retrying) destination.retried()
    if (!destination.settings.hedging) picked.ended(tried.outcome, ended - now, ended)
    if (tried.outcome.kind === 'cancelled') throw signal.reason
    destination.throttle.ended(wasShed(tried.outcome), ended)
    const decision = decideCallRetry(
      {
        outcome: tried.outcome,
        tries,
        idempotent: trying.idempotent,
        outermost: trying.outermost,
        leftMs: trying.deadline - ended,
      },
      retry,
      random,
      () => destination.withdraw(ended),
    )
    last = tried.answer && answered(tried.answer, by.endpoint.id, tries, ended - began)
    if (decision.kind === 'stop') {
      if (!last) throw failed(label, tried, trying.deadline <= ended)
      return last
    }
    retrying = true
    await pause(clock, decision.waitMs, signal)
    if (signal.aborted) {
      destination.retried()
      throw signal.reason
    }
  }
}

function tryHedged(
  picked: Picked,
  policy: HedgePolicy,
  trying: Trying,
  tools: TryTools,
  avoid: Set<string> | undefined,
): Promise<{ readonly tried: Tried; readonly by: Picked }> {
  const { destination, key } = trying
  const asked = avoid ?? new Set([picked.endpoint.id])
  return hedged(picked, {
    ...{ policy, destination, clock: tools.clock, idempotent: trying.idempotent, outermost: trying.outermost },
    ...{ deadline: trying.deadline, signal: trying.signal },
    pick() {
      const now = tools.clock.monotonic()
      const another = destination.group.pick({ now, key, avoid: asked })
      if (!another || !asked.has(another.endpoint.id)) {
        if (another) asked.add(another.endpoint.id)
        return another
      }
      // Nobody else is there: asking the same one twice helps nobody.
      another.ended({ kind: 'cancelled' }, 0, now)
      return undefined
    },
    send: ({ endpoint }, signal) => tryOnce(endpoint, trying, signal, tools.clock.monotonic(), tools),
  })
}

function answered(answer: WireAnswer, from: string, tries: number, tookMs: number): Answered {
  const timing = readServerTiming(answer.headers['server-timing']) ?? { requestMs: 0, responseMs: 0 }
  return { answer, from, tries, latency: splitLatency(tookMs, timing) }
}

interface Tried {
  readonly outcome: Outcome
  readonly answer?: WireAnswer
  readonly error?: unknown
}

/** Nobody was asked: nothing can have taken effect. */
export class Unasked extends SkerryError {}

/** Of callers who always want their answer: nobody listens to it. */
export const never: AbortSignal = new AbortController().signal

/** Ends a try that takes too long. An object of its own, so that a transport's rejection with it is known again. */
const tooLong = new Error('no answer in time')

/** `signal` is the caller's, or that of a hedged request. */
async function tryOnce(
  endpoint: Target,
  { request, retry, deadline }: Trying,
  signal: Ending,
  now: number,
  { clock, transport, deadlines }: TryTools,
): Promise<Tried> {
  const leftMs = timeoutForNextHop(deadline, now)
  if (leftMs === undefined) return { outcome: { kind: 'lost', how: 'timeout' } }
  if (signal.aborted) return { outcome: { kind: 'cancelled' } }
  const abort = new Abort()
  const giveUp = (): void => abort.abort(signal.reason)
  if (signal !== never) signal.addEventListener('abort', giveUp, { once: true })
  const until = retry.perTryMs === undefined ? deadline : Math.min(deadline, now + retry.perTryMs)
  const awaited = deadlines.await(until, () => abort.abort(tooLong), now)
  try {
    const { method, path, body } = request
    const headers = { ...request.headers, [deadlineHeader]: writeTimeout(leftMs) }
    const answer = await transport.send(endpoint, { method, path, headers, body }, abort)
    return { outcome: outcomeOf(answer, clock), answer }
  } catch (error) {
    if (signal.aborted) return { outcome: { kind: 'cancelled' } }
    if (error === tooLong) return { outcome: { kind: 'lost', how: 'timeout' }, error }
    return { outcome: { kind: 'lost', how: error instanceof Lost ? error.how : 'reset' }, error }
  } finally {
    deadlines.met(awaited)
    if (signal !== never) signal.removeEventListener('abort', giveUp)
  }
}

function outcomeOf(answer: WireAnswer, clock: Clock): Outcome {
  const { status, headers } = answer
  const said = headers['grpc-status']
  const grpcStatus = said === undefined ? undefined : Number(said)
  const asked = headers['retry-after']
  const retryAfterMs =
    asked === undefined ? readPushback(headers['grpc-retry-pushback-ms']) : readRetryAfter(asked, clock.wall())
  return { kind: 'answered', status, grpcStatus, retryAfterMs, unbegun: readUnbegun(answer) }
}

const wasShed = (outcome: Outcome): boolean => outcome.kind === 'answered' && outcome.unbegun === 'shed'

/** Whether a refusal says that nothing has begun. */
function readUnbegun({ status, headers }: WireAnswer): Unready | undefined {
  if (status !== 503) return undefined
  const said = headers[unbegunHeader]
  return said === 'leaving' || said === 'starting' || said === 'shed' ? said : undefined
}

function nobody({ destination, label }: Trying, retrying: boolean): SkerryError {
  const { size } = destination.group
  const why =
    size === 0
      ? 'no instance is known; is one running, and registered?'
      : `none of ${size} instances can be asked now: their circuits are open`
  return new (retrying ? SkerryError : Unasked)('unavailable', `${label}: ${why}`)
}

function failed(label: string, { outcome, error }: Tried, late: boolean): SkerryError {
  if (late || (outcome.kind === 'lost' && outcome.how === 'timeout'))
    return new SkerryError('deadline_exceeded', `${label}: no answer in time`, { cause: error })
  const why = error instanceof Error ? error.message : 'no answer'
  return new SkerryError('unavailable', `${label}: ${why}`, { cause: error })
}
