import type { Clock, Timer } from '../../time.ts'
import { Abort } from '../aborting.ts'
import { type Outcome, verdictOf } from '../request.ts'
import { type HedgePolicy, hedgeAfter } from '../resilience/hedging.ts'
import type { Ending } from '../transport.ts'
import type { Destination } from './destination.ts'
import type { Picked } from './group.ts'

export interface Hedging<T> {
  readonly policy: HedgePolicy
  readonly destination: Destination
  readonly clock: Clock
  readonly idempotent: boolean
  readonly outermost: boolean
  /** Monotonic, in milliseconds. */
  readonly deadline: number
  /** Aborts when the caller wants no answer any more. */
  readonly signal: Ending
  /** Another endpoint than those that were asked already; nothing where there is none. */
  readonly pick: () => Picked | undefined
  /** One request. Never rejects. */
  readonly send: (picked: Picked, signal: Ending) => Promise<T>
}

/**
 * One try that becomes several when an answer takes longer than most do: the first good answer counts, and the others are given
 * up. Each further request costs one retry of the budget. Resolves with that answer, or with the last one where none was good.
 */
export function hedged<T extends { readonly outcome: Outcome }>(
  first: Picked,
  hedging: Hedging<T>,
): Promise<{ readonly tried: T; readonly by: Picked }> {
  const { policy, destination, clock, signal } = hedging
  return new Promise((resolve) => {
    const running = new Set<Abort>()
    let sent = 0
    let over = false
    let timer: Timer | undefined
    const finish = (tried: T, by: Picked): void => {
      over = true
      timer?.cancel()
      signal.removeEventListener('abort', giveUp)
      for (const other of running) other.abort(new Error('another one has answered'))
      resolve({ tried, by })
    }
    const giveUp = (): void => {
      for (const one of running) one.abort(signal.reason)
    }
    const ask = async (picked: Picked): Promise<void> => {
      const abort = new Abort()
      running.add(abort)
      const extra = sent++ > 0
      const began = clock.monotonic()
      if (signal.aborted) abort.abort(signal.reason)
      const tried = await hedging.send(picked, abort)
      running.delete(abort)
      if (extra) destination.retried()
      const ended = clock.monotonic()
      picked.ended(tried.outcome, ended - began, ended)
      const good = verdictOf(tried.outcome) === 'good'
      if (good) destination.latencies.add(ended - began)
      if (!over && (good || running.size === 0)) finish(tried, picked)
    }
    const askAnother = (): void => {
      if (!destination.withdraw(clock.monotonic())) return
      const picked = hedging.pick()
      if (picked) {
        void ask(picked)
        wait()
      } else destination.retried()
    }
    const wait = (): void => {
      const { idempotent, outermost, deadline } = hedging
      const { latencies } = destination
      const known = { quantileMs: latencies.at(policy.quantile), samples: latencies.samples }
      const afterMs = hedgeAfter(
        { sent, idempotent, outermost, leftMs: deadline - clock.monotonic(), ...known },
        policy,
      )
      if (afterMs !== undefined && !over) timer = clock.after(afterMs, askAnother)
    }
    signal.addEventListener('abort', giveUp, { once: true })
    void ask(first)
    wait()
  })
}
