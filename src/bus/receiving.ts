import { codeOf, type SkerryError } from '../errors.ts'
import { type Clock, pause } from '../time.ts'
import type { Intake } from './foreign.ts'

const firstRetryMs = 50
const longestRetryMs = 5_000

export interface KeepReceiving {
  readonly intake: Pick<Intake, 'signal' | 'interrupted' | 'resumed'>
  readonly clock: Clock
  /** What the other side's failures are told as. */
  readonly explain: (error: unknown) => SkerryError
}

/**
 * Receives until nothing more is wanted, whatever happens to the other side: after each failure again, at first after 50 ms,
 * then after twice as long each time, up to 5 s. `receive` calls `going` whenever messages can come, which ends a row
 * of failures; a `receive` that returns while more is wanted is called again.
 */
export async function keepReceiving(
  { intake, clock, explain }: KeepReceiving,
  receive: (going: () => void) => Promise<void>,
): Promise<void> {
  let waitMs = firstRetryMs
  const going = (): void => {
    waitMs = firstRetryMs
    intake.resumed()
  }
  while (!intake.signal.aborted) {
    try {
      await receive(going)
    } catch (error) {
      if (intake.signal.aborted || codeOf(error) === 'closed') return
      intake.interrupted(explain(error), waitMs)
      await pause(clock, waitMs, intake.signal)
      waitMs = Math.min(longestRetryMs, waitMs * 2)
    }
  }
}
