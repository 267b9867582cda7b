import { codeOf, isEnvironmental, messageOf, SkerryError } from '../errors.ts'
import type { EventRecord } from '../event.ts'
import type { Sampler, Trace } from '../independence/measure/sampler.ts'
import type { StoreTx } from '../store/store.ts'
import type { Clock } from '../time.ts'
import type { BudgetWatch } from './budget.ts'
import { Attempting } from './context.ts'
import type { HandleContext, ReceivedEvent } from './handler.ts'
import { receive } from './received.ts'
import { decideRetry } from './retry.ts'
import type { Outcome, Work } from './state.ts'
import { type Attempt, isFirst, type Tries } from './tries.ts'

export interface AttemptEnvironment {
  readonly clock: Clock
  readonly watch: BudgetWatch
  readonly maxEventBytes: number
  /** Measures independence; absent: it is off. */
  readonly sampler?: Sampler | undefined
}

/** Tries kept with an event: the first and the newest say most. */
const historyLimit = 20

/** A second try after an overrun runs alone and gets this many times the budget. */
const aloneFactor = 10

/** An event failed in a transaction without savepoints: all of it has to be run again, but for this event, which has failed. */
export class Spoiled extends Error {
  readonly work: Work
  readonly reason: unknown

  constructor(work: Work, reason: unknown) {
    super(messageOf(reason), { cause: reason })
    this.work = work
    this.reason = reason
  }
}

/**
 * One try of one event's `handle`, under a savepoint of its own: it takes effect whole or not at all, whatever
 * becomes of its batch-mates. Rejects only when the machine or the engine is at fault; then nothing is charged. Rejects with
 * `Spoiled` where there are no savepoints.
 */
export async function attempt(
  tx: StoreTx,
  work: Work,
  env: AttemptEnvironment,
  emitted: EventRecord[],
): Promise<Outcome> {
  const trace = isFirst(work.tries) ? env.sampler?.begin(work) : undefined
  if (work.task.kind !== 'handle') {
    if (work.stage.at === 'failed') return failure(work, work.stage.error, env.clock)
    throw new SkerryError('invalid_config', 'only events with a handler are attempted')
  }
  const { handler } = work.task
  const { stage } = work
  if (stage.at === 'failed') return (await instead(stage.error)) ?? failure(work, stage.error, env.clock)
  // A copy for each run: a batch that is undone runs again, and what the first run made of it must not be seen.
  const prepared = stage.at === 'ready' ? copyOf(stage.prepared) : undefined
  const failed = await tryOnce(tx, work, env, emitted, trace, (ctx, event) => handler.handle(ctx, event, prepared))
  if (!failed) return { kind: 'handled' }
  return (await instead(failed.error)) ?? failure(work, failed.error, env.clock)

  /** What takes effect in place of a try that ended so. */
  async function instead(error: unknown): Promise<Outcome | undefined> {
    const run = handler.instead?.(error)
    if (!run) return undefined
    const failed = await tryOnce(tx, work, env, emitted, undefined, run)
    return failed ? failure(work, failed.error, env.clock) : { kind: 'handled' }
  }
}

type Run = (ctx: HandleContext, event: ReceivedEvent) => Promise<void> | void

/** Runs under a savepoint; with an error it is rolled back. */
async function tryOnce(
  tx: StoreTx,
  work: Work,
  env: AttemptEnvironment,
  emitted: EventRecord[],
  trace: Trace | undefined,
  run: Run,
): Promise<{ readonly error: unknown } | undefined> {
  const { reader } = work.share
  const { type } = work.task as Extract<Work['task'], { kind: 'handle' }>
  const budgetMs = work.tries.overruns > 0 ? reader.budgetMs * aloneFactor : reader.budgetMs
  await tx.savepoint()
  const attempting = new Attempting(tx, work.delivery, reader.id, env.maxEventBytes, trace)
  const failed = await tried()
  attempting.end('its handler ended')
  if (!failed) {
    await tx.release()
    for (const record of attempting.emitted) emitted.push(record)
    return undefined
  }
  // The store's own word counts, not the handler's: one that throws an engine's code has failed like any other.
  if (!tx.alive || isEnvironmental(attempting.doom)) throw attempting.doom ?? failed.error
  if (tx.whole) throw new Spoiled(work, failed.error)
  await tx.rollback()
  return failed

  async function tried(): Promise<{ error: unknown } | undefined> {
    try {
      const event = receive(type, work.delivery, work.tries.attempts + 1)
      await env.watch.run(budgetMs, type.label, () => run(attempting.context(), event))
      return attempting.doom === undefined ? undefined : { error: attempting.doom }
    } catch (error) {
      return { error: attempting.doom ?? error }
    }
  }
}

const copyOf = (value: unknown): unknown => (typeof value === 'object' ? structuredClone(value) : value)

/** What a failed try means for its event. */
export function failure(work: Work, error: unknown, clock: Clock): Outcome {
  const { reader } = work.share
  const code = codeOf(error)
  const { attempts, reruns, overruns } = work.tries
  if (code === 'unknown_version') return { kind: 'unknown_version', message: messageOf(error) }
  if (code === 'budget_exceeded') {
    const tries = { ...noted(work.tries, error, clock, false), overruns: overruns + 1 }
    if (overruns > 0) return { kind: 'dead', code, message: messageOf(error), tries }
    return { kind: 'retry', due: clock.wall(), tries, unavailable: false, alone: true }
  }
  const decision = decideRetry(error, attempts, reruns, reader.retry, reader.random)
  const charged = decision.kind === 'dead' || decision.charged
  const tries = noted(work.tries, error, clock, charged)
  if (decision.kind === 'dead') return { kind: 'dead', code, message: messageOf(error), tries }
  return {
    kind: 'retry',
    due: clock.wall() + decision.waitMs,
    tries,
    unavailable: code === 'unavailable',
    alone: false,
  }
}

function noted(tries: Tries, error: unknown, clock: Clock, charged: boolean): Tries {
  const entry: Attempt = { at: clock.wall(), code: codeOf(error), message: messageOf(error).slice(0, 500), charged }
  const history = [...tries.history, entry]
  if (history.length > historyLimit) history.splice(1, history.length - historyLimit)
  return { ...tries, attempts: tries.attempts + (charged ? 1 : 0), reruns: tries.reruns + (charged ? 0 : 1), history }
}
