import type { Credit } from '../../bus/bus.ts'
import type { ReadTx } from '../../store/store.ts'

/**
 * How much an inbox may hold. `ahead`: what not even the quickest subscription has passed; above it the engine keeps the
 * rest. `all`: everything, so that one that is paused or slow cannot fill the disk.
 */
export interface InboxBounds {
  readonly ahead: Credit
  readonly all: Credit
}

export const defaultBounds: InboxBounds = {
  ahead: { events: 20_000, bytes: 64 * 1024 * 1024 },
  all: { events: 10_000_000, bytes: 2 * 1024 ** 3 },
}

/** How much may still come in. Negative when there is too much. */
export async function inboxRoom(tx: ReadTx, bounds: InboxBounds): Promise<Credit> {
  const [all] = await tx.all<Credit>(
    'select coalesce(sum(events), 0) as events, coalesce(sum(bytes), 0) as bytes from skerry_inbox_stream',
  )
  const ahead = await unread(tx)
  return {
    events: Math.min(bounds.all.events - Number(all?.events ?? 0), bounds.ahead.events - ahead.events),
    bytes: Math.min(bounds.all.bytes - Number(all?.bytes ?? 0), bounds.ahead.bytes - ahead.bytes),
  }
}

/** What the quickest subscription of each stream has still before it. */
async function unread(tx: ReadTx): Promise<Credit> {
  const sum = { events: 0, bytes: 0 }
  const rows = await tx.all<{ stream: string; mark: number }>(
    `select stream, max(mark) as mark from (
       select subscription, stream, min(next) as mark from skerry_position group by subscription, stream
     ) as marks group by stream`,
  )
  for (const { stream, mark } of rows) {
    const [ahead] = await tx.all<Credit>(
      `select coalesce(sum(count), 0) as events, coalesce(sum(bytes), 0) as bytes from skerry_inbox
       where stream = ? and position >= ?`,
      stream,
      mark,
    )
    sum.events += Number(ahead?.events ?? 0)
    sum.bytes += Number(ahead?.bytes ?? 0)
  }
  return sum
}
