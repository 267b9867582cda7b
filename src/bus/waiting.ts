import { SkerryError } from '../errors.ts'
import type { Batch } from './bus.ts'

/** Characters of frames that may wait in one process. */
export const longestQueue = 64 * 1024 * 1024

/** What waits in a process to be appended. */
export interface Waits {
  readonly queued: number
  readonly pending: number
}

/** Why a batch with its numbers can be nobody's. */
export function misnumbered({ producer, after, first, count }: Batch, where: string): SkerryError | undefined {
  if (count >= 1 && first > after && after >= 0) return undefined
  return new SkerryError(
    'invalid_config',
    `${where}: producer ${producer} numbered a batch wrongly (after ${after}, first ${first}, count ${count}); ` +
      'a batch holds at least one event, and its first number is above the last one before',
  )
}

/** Why a batch cannot even wait: it is numbered wrongly, or too much waits already. */
export function refusalOf(batch: Batch, { queued, pending }: Waits, where: string): SkerryError | undefined {
  const wrong = misnumbered(batch, where)
  if (wrong) return wrong
  const { frame } = batch
  // One alone may be larger than all that may wait.
  if (pending === 0 || queued + frame.length <= longestQueue) return undefined
  const mib = longestQueue / 1024 / 1024
  return new SkerryError(
    'overloaded',
    `${where}: ${mib} MiB of events wait to be written; append again when some are`,
    {
      retryAfterMs: 50,
    },
  )
}

/** Batches that continue one another, as one that says the same. There must be one at least. */
export function merged(run: readonly { readonly batch: Batch }[]): Batch {
  const { batch } = run[0] as { batch: Batch }
  if (run.length === 1) return batch
  let frame = ''
  let count = 0
  for (const one of run) {
    frame += one.batch.frame
    count += one.batch.count
  }
  return { ...batch, count, frame }
}
