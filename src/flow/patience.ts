import { codeOf } from '../errors.ts'
import { type Clock, pause } from '../time.ts'

const againMs = 20

/**
 * Does `work` again while the store is busy, until `deadline` on the monotonic clock. Where processes take no turns, one
 * that comes or goes may find the lock taken again and again: that must not fail its start, nor its stop. Only for work
 * that changes nothing when it fails.
 */
export async function whileBusy<T>(clock: Clock, deadline: number, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (codeOf(error) !== 'store_busy' || clock.monotonic() + againMs > deadline) throw error
    }
    await pause(clock, againMs)
  }
}

/**
 * Does one after the other though the engine is away: that keeps nobody from what is in the store already, so handlers go
 * on into the outbox. Resolves with whether any of them said `true`, and with the first `unavailable`; rejects with all else.
 */
export async function thoughAway(
  works: readonly (() => Promise<unknown>)[],
): Promise<{ readonly moved: boolean; readonly away: unknown }> {
  let moved = false
  let away: unknown
  for (const work of works)
    try {
      moved = (await work()) === true || moved
    } catch (error) {
      if (codeOf(error) !== 'unavailable') throw error
      away ??= error
    }
  return { moved, away }
}
