import type { ReadTx, StoreTx } from '../../store/store.ts'
import { relaySubscription } from '../registration.ts'

/** What a store knows of foreign messages: which came, where logs are, and how often what happened. */

/** Records ids; resolves with those that are new. One given twice is new once. */
export async function recordSeen(
  tx: StoreTx,
  source: string,
  ids: readonly string[],
  wall: number,
): Promise<Set<string>> {
  if (ids.length === 0) return new Set()
  const each = tx.dialect === 'sqlite' ? 'json_each(?)' : 'json_array_elements_text(?::json)'
  const rows = await tx.all<{ id: string }>(
    `insert into skerry_foreign_seen (source, id, at) select ?, value, ? from ${each} where true
     on conflict (source, id) do nothing returning id`,
    source,
    wall,
    JSON.stringify(ids),
  )
  return new Set(rows.map(({ id }) => id))
}

/** Ids from before `wall`. */
export async function forgetSeen(tx: StoreTx, source: string, wall: number): Promise<void> {
  await tx.run('delete from skerry_foreign_seen where source = ? and at < ?', source, wall)
}

export async function placesOf(
  tx: ReadTx,
  source: string,
  parts: readonly string[],
): Promise<Readonly<Record<string, number>>> {
  const rows = await tx.all<{ part: string; next: number }>(
    'select part, next from skerry_foreign_place where source = ?',
    source,
  )
  return Object.fromEntries(rows.filter(({ part }) => parts.includes(part)).map(({ part, next }) => [part, next]))
}

/** Places never move back. */
export async function setPlaces(tx: StoreTx, source: string, places: Readonly<Record<string, number>>): Promise<void> {
  for (const [part, next] of Object.entries(places))
    await tx.run(
      `insert into skerry_foreign_place (source, part, next) values (?, ?, ?)
       on conflict (source, part) do update set next = excluded.next where skerry_foreign_place.next < excluded.next`,
      source,
      part,
      next,
    )
}

export type Outcome = 'received' | 'duplicate' | 'ignored' | 'poison'

export async function countOutcomes(
  tx: StoreTx,
  source: string,
  counts: Readonly<Partial<Record<Outcome, number>>>,
): Promise<void> {
  for (const [name, value] of Object.entries(counts))
    await tx.run(
      `insert into skerry_counter (subscription, lane_from, name, value) values (?, 0, ?, ?)
       on conflict (subscription, lane_from, name) do update set value = skerry_counter.value + excluded.value`,
      source,
      name,
      value,
    )
}

/** True while this process is the one that runs the store's relay, and its sources: whoever takes over waits for this transaction. */
export async function ownsRelay(tx: ReadTx, me: string): Promise<boolean> {
  const lock = tx.dialect === 'postgres' ? ' for share' : ''
  const rows = await tx.all<{ owner: string | null }>(
    `select owner from skerry_share where subscription = ?${lock}`,
    relaySubscription,
  )
  return rows.length > 0 && rows.every(({ owner }) => owner === me)
}
