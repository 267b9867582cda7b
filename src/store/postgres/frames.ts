import type { WriteMode } from '../store.ts'
import { literal, type Place, quoted } from './place.ts'

/**
 * The table whose lock says who may write beside whom. It is taken before anything is read: a serializable transaction
 * sees the moment of its first statement, and `lock table` does not count as one.
 */
export const lockTable = (schema: string): string => `${quoted(schema)}.skerry_lock`

const isolation: Readonly<Record<WriteMode, string>> = {
  serial: 'serializable',
  whole: 'serializable',
  alone: 'serializable',
  bookkeeping: 'read committed',
}

/** `row share` bears itself and `share update exclusive`, which bears no second one; `exclusive` bears none of the three. */
const lock: Readonly<Record<WriteMode, string>> = {
  serial: 'row share',
  whole: 'row share',
  alone: 'exclusive',
  bookkeeping: 'share update exclusive',
}

/** What a write begins with. All settings end with the transaction: a pooler may give the connection to anybody then. */
export function beginWrite(place: Place, mode: WriteMode): string[] {
  return [
    `begin isolation level ${isolation[mode]}`,
    `set local lock_timeout = ${place.busyMs}`,
    `lock table ${lockTable(place.schema)} in ${lock[mode]} mode`,
    settings(
      place,
      {
        // Skerry itself never rests for long; others' bookkeeping, leases included, waits for it.
        idle_in_transaction_session_timeout: String(
          mode === 'bookkeeping' ? Math.min(3000, place.idleMs) : place.idleMs,
        ),
        ...(place.durability === 'normal' && { synchronous_commit: 'off' }),
        // A scan of a whole table marks all of it as read, and conflicts with every other process that writes to it. Where there
        // is no other way it is taken all the same, at an imaginary cost that must not bring the compiler in.
        ...((mode === 'serial' || mode === 'whole') && { enable_seqscan: 'off', jit: 'off' }),
      },
      place.durability === 'full' ? [synced] : [],
    ),
  ]
}

/**
 * `repeatable read`, not `serializable`: a reader then neither fails nor makes a writer fail. The price is that it may see,
 * of two writes under way at once, the one that counts as the later.
 */
export function beginRead(place: Place): string[] {
  return [
    'begin isolation level repeatable read read only',
    settings(place, { idle_in_transaction_session_timeout: String(Math.max(place.idleMs, 60_000)) }),
  ]
}

function settings(place: Place, more: Readonly<Record<string, string>>, extra: readonly string[] = []): string {
  const all = { search_path: quoted(place.schema), timezone: 'UTC', datestyle: 'ISO', bytea_output: 'hex', ...more }
  const calls = Object.entries(all).map(([name, value]) => `set_config('${name}', ${literal(value)}, true)`)
  return `select ${[...calls, ...extra].join(', ')}`
}

/** Where a server does not sync by default, it does here; what is stricter than that stays so. */
const synced = `set_config('synchronous_commit', case current_setting('synchronous_commit') when 'off' then 'on'
  else current_setting('synchronous_commit') end, true)`
