import { Refusal } from '../../call.ts'
import { codeOf, isEnvironmental, messageOf, SkerryError } from '../../errors.ts'
import type { Delivery, EventRecord } from '../../event.ts'
import type { CallDefinition } from '../../service.ts'
import type { StoreTx } from '../../store/store.ts'
import type { Clock } from '../../time.ts'
import type { BudgetWatch } from '../budget.ts'
import { Attempting } from '../context.ts'
import type { CallRequest } from '../handler.ts'
import { type Answer, type Keyed, known, remember } from './keys.ts'

/** One call that is ready for the store. */
export interface CallWork {
  readonly definition: CallDefinition
  readonly request: CallRequest
  /** What it would be as an event: ids and randomness are derived from it. */
  readonly delivery: Delivery
  readonly prepared: unknown
  /** On the monotonic clock. */
  readonly deadline: number
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal | undefined
  readonly keyed: Keyed | undefined
  readonly usedOnce: boolean
  /** It overran its budget once. */
  overran: boolean
}

export type Outcome =
  | { readonly kind: 'answered'; readonly answer: Answer }
  | { readonly kind: 'failed'; readonly error: unknown }

export interface CallEnvironment {
  readonly clock: Clock
  readonly watch: BudgetWatch
  readonly maxEventBytes: number
  /** Longest uninterrupted `handle`, in milliseconds; the second try, alone, gets ten times as long. */
  readonly budgetMs: number
}

/** As for events. */
const aloneFactor = 10

/** One try of one call's `handle`, under a savepoint of its own. Rejects only when the machine or the engine is at fault. */
export async function attemptCall(
  tx: StoreTx,
  work: CallWork,
  env: CallEnvironment,
  emitted: EventRecord[],
): Promise<Outcome> {
  const tooLate = lateness(work, env.clock)
  if (tooLate) return { kind: 'failed', error: tooLate }
  await tx.savepoint()
  const attempting = new Attempting(tx, work.delivery, work.definition.type.label, env.maxEventBytes)
  const outcome = await runHandler(tx, work, env, attempting)
  attempting.end('its handler ended')
  if (outcome.kind === 'answered') {
    await tx.release()
    for (const record of attempting.emitted) emitted.push(record)
    return outcome
  }
  if (!tx.alive || isEnvironmental(attempting.doom)) throw attempting.doom ?? outcome.error
  await tx.rollback()
  if (outcome.error instanceof Refusal && work.keyed) return keepRefusal(tx, work.keyed, outcome.error)
  return outcome
}

async function runHandler(tx: StoreTx, work: CallWork, env: CallEnvironment, attempting: Attempting): Promise<Outcome> {
  const { keyed, deadline } = work
  try {
    const before = keyed && (await stored(tx, keyed, work.request.time.getTime()))
    if (before) return { kind: 'answered', answer: before }
    const output = await handle(work, env, attempting)
    if (attempting.doom !== undefined) throw attempting.doom
    const answer = { reason: null, text: textOf(work, output) }
    if (keyed) await remember(tx, keyed, answer)
    if (work.usedOnce) await forgetOnce(tx, work)
    return { kind: 'answered', answer }
  } catch (error) {
    if (codeOf(error) === 'budget_exceeded' && env.clock.monotonic() >= deadline)
      return { kind: 'failed', error: late(work) }
    return { kind: 'failed', error: attempting.doom ?? error }
  }
}

/** The answer of an earlier run. Throws when this run is no longer the one that may answer. */
async function stored(tx: StoreTx, keyed: Keyed, wall: number): Promise<Answer | undefined> {
  const found = await known(tx, keyed, wall)
  if (found.state === 'answered') return found.answer
  if (found.state === 'running' && found.owner !== keyed.owner) throw inProgress(keyed.call)
  return undefined
}

export function inProgress(call: string): SkerryError {
  const message = `${call}: a call with this idempotency key is under way; ask again for its answer`
  return new SkerryError('in_progress', message, { retryAfterMs: 1000 })
}

async function handle(work: CallWork, env: CallEnvironment, attempting: Attempting): Promise<unknown> {
  const { type, handler } = work.definition
  // A copy for each run: what the first run made of it must not be seen.
  const prepared = typeof work.prepared === 'object' ? structuredClone(work.prepared) : work.prepared
  const budgetMs = work.overran ? env.budgetMs * aloneFactor : env.budgetMs
  const left = work.deadline - env.clock.monotonic()
  let output: unknown
  await env.watch.run(Math.min(budgetMs, left), type.label, async () => {
    output = await handler.handle(attempting.context() as never, work.request, prepared)
  })
  return output
}

function textOf({ definition: { type } }: CallWork, output: unknown): string {
  const text = JSON.stringify(type.give(output))
  if (text !== undefined) return text
  throw new SkerryError('failed', `${type.label}: what its handler returned is not JSON`)
}

async function forgetOnce(tx: StoreTx, { delivery, definition }: CallWork): Promise<void> {
  await tx.run(
    'delete from skerry_once where subscription = ? and stream = ? and event = ?',
    definition.type.label,
    delivery.stream,
    delivery.record.id,
  )
}

async function keepRefusal(tx: StoreTx, keyed: Keyed, refusal: Refusal): Promise<Outcome> {
  const answer = { reason: refusal.reason, text: JSON.stringify(refusal.data) ?? 'null' }
  await tx.savepoint()
  await remember(tx, keyed, answer)
  await tx.release()
  return { kind: 'answered', answer }
}

/** Why a call is not begun any more. */
export function lateness(
  work: Pick<CallWork, 'deadline' | 'signal' | 'definition'>,
  clock: Clock,
): SkerryError | undefined {
  if (work.signal?.aborted)
    return new SkerryError('cancelled', `${work.definition.type.label}: its caller has gone; it had no effect`)
  return clock.monotonic() >= work.deadline ? late(work) : undefined
}

export function late({ definition }: Pick<CallWork, 'definition'>): SkerryError {
  return new SkerryError(
    'deadline_exceeded',
    `${definition.type.label}: no answer before its deadline; it had no effect`,
  )
}

/** What is thrown to callers: reasons that the contract declares as they were thrown, first time or stored. */
export function answered({ type }: CallDefinition, { reason, text }: Answer): string {
  if (reason === null) return text
  const status = type.errors.get(reason)?.status ?? 409
  throw new Refusal(type.label, reason, JSON.parse(text) ?? undefined, status)
}

export const notCloneable = (label: string, cause: unknown): SkerryError =>
  new SkerryError('failed', `${label}: what prepare returns must be data that can be cloned: ${messageOf(cause)}`, {
    cause,
  })
