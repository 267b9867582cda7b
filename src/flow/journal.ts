import type { Store } from '../store/store.ts'
import type { CrashHook } from '../telemetry.ts'
import type { Work } from './state.ts'

/**
 * Writes down that an event is about to run alone, and how many times the process ended while it did. Only after a crash
 * is anything journaled, so that ordinary work pays nothing.
 */
export async function journal(store: Store, work: Work, crash: CrashHook): Promise<number> {
  const { stream, position } = work.delivery
  const place = [work.share.reader.id, stream, position] as const
  const crashes = await store.write(async (tx) => {
    const [row] = await tx.all<{ crashes: number }>(
      'select crashes from skerry_journal where subscription = ? and stream = ? and position = ?',
      ...place,
    )
    const before = row?.crashes ?? 0
    await tx.run(
      `insert into skerry_journal (subscription, stream, position, crashes) values (?, ?, ?, 1)
       on conflict (subscription, stream, position) do update set crashes = skerry_journal.crashes + 1`,
      ...place,
    )
    return before
  }, 'bookkeeping')
  work.journaled = true
  crash('processor.journaled')
  return crashes
}

/** Runs that ended without an outcome and without a crash: their share was lost, or the process stops in good order. */
export async function withdrawJournal(store: Store, works: readonly Work[]): Promise<void> {
  const journaled = works.filter((work) => work.journaled)
  if (journaled.length === 0) return
  await store.write(async (tx) => {
    for (const work of journaled) {
      const place = [work.share.reader.id, work.delivery.stream, work.delivery.position] as const
      const where = 'where subscription = ? and stream = ? and position = ?'
      await tx.run(`update skerry_journal set crashes = crashes - 1 ${where}`, ...place)
      await tx.run(`delete from skerry_journal ${where} and crashes <= 0`, ...place)
    }
  }, 'bookkeeping')
  for (const work of journaled) work.journaled = false
}

/** It is no longer alone: a crash from now on would prove nothing against it. */
export async function unjournal(store: Store, work: Work): Promise<void> {
  const { stream, position } = work.delivery
  await store.write(
    (tx) =>
      tx.run(
        'delete from skerry_journal where subscription = ? and stream = ? and position = ?',
        work.share.reader.id,
        stream,
        position,
      ),
    'bookkeeping',
  )
  work.journaled = false
}
