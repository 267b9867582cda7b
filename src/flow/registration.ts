import type { Bus, Lineage } from '../bus/bus.ts'
import { durableCalls } from '../durable.ts'
import { SkerryError } from '../errors.ts'
import type { Position } from '../event.ts'
import type { ReadTx, Store, StoreTx } from '../store/store.ts'
import type { Clock } from '../time.ts'
import { checkLineage, isLater, type KnownBus, newestIncarnation, olderStore, type PositionLimit } from './lineage.ts'
import { checkOutboxNumbers, nextOutboxNumber } from './outbox.ts'
import { retentionMarks } from './positions.ts'
import { addStream, foundShares, shareRows } from './shares.ts'
import type { Reader } from './state.ts'

/** The relay is owned like a subscription is, by one process at a time. */
export const relaySubscription = '~relay'

/**
 * Brings a store and its bus together before anything is handled: refuses a pair of which one was deleted, swapped or
 * restored (`log_changed`), records new subscriptions once, and tells the bus what must be kept for them.
 */
export async function register(
  service: string,
  store: Store,
  bus: Bus,
  readers: readonly Reader[],
  clock: Clock,
): Promise<void> {
  // The store is looked at first: its other processes go on meanwhile, and what they handle next the bus has then, too.
  const ours = await store.read(async (tx) => ({ known: await knownBus(tx), furthest: await furthest(tx) }))
  const lineage = await bus.lineage()
  checkLineage(service, lineage, ours.known, ours.furthest)
  const mark = await bus.producerMark(store.identity)
  await store.write(async (tx) => {
    // The other way round here: what is on the bus had its number before.
    checkOutboxNumbers(service, await nextOutboxNumber(tx), mark)
    if ((await shareRows(tx, relaySubscription)).length === 0) await foundShares(tx, relaySubscription, {})
    for (const reader of readers) await found(tx, reader, lineage.head, clock.wall())
    await remember(tx, lineage)
  }, 'bookkeeping')
  for (const reader of readers) await registerReader(store, bus, reader)
}

async function registerReader(store: Store, bus: Bus, reader: Reader): Promise<void> {
  const marks = await store.read((tx) => retentionMarks(tx, reader.id))
  const before = await bus.register({ subscription: reader.id, store: store.identity, marks })
  // Another process may have moved them between the two: what the bus was told by then is in the store by now.
  const now = await store.read((tx) => retentionMarks(tx, reader.id))
  for (const [stream, mark] of Object.entries(before.marks ?? {})) {
    const ours = now[stream]
    if (ours !== undefined && ours < mark) throw olderStore(reader.id, stream, ours, mark)
  }
}

async function furthest(tx: ReadTx): Promise<PositionLimit | undefined> {
  const [row] = await tx.all<PositionLimit>(
    'select subscription, next as position from skerry_position order by next desc limit 1',
  )
  return row
}

async function knownBus(tx: ReadTx): Promise<KnownBus | undefined> {
  const rows = await tx.all<{ name: string; value: string }>(
    "select name, value from skerry_meta where name in ('bus', 'incarnation')",
  )
  const facts = Object.fromEntries(rows.map((row) => [row.name, row.value]))
  return facts.bus === undefined ? undefined : { bus: facts.bus, incarnation: facts.incarnation ?? '' }
}

async function remember(tx: StoreTx, lineage: Lineage): Promise<void> {
  await rememberFact(tx, 'bus', lineage.bus)
  await rememberTerm(tx, newestIncarnation(lineage))
}

/** Never back to an earlier term: another process may have read under a later one already. */
async function rememberTerm(tx: StoreTx, token: string): Promise<void> {
  if (token !== '' && isLater(token, (await knownBus(tx))?.incarnation)) await rememberFact(tx, 'incarnation', token)
}

/** The newest writer's term of the bus that was seen while reading, and the one that the store has on record. */
export interface Term {
  read: string
  recorded: string
}

/** Positions and the writer's term under which they were read go to disk together: see `checkLineage`. */
export async function recordTerm(tx: StoreTx, term: Term, after: (() => void)[]): Promise<void> {
  const { read } = term
  if (read === term.recorded || read === '') return
  await rememberTerm(tx, read)
  after.push(() => {
    term.recorded = read
  })
}

async function rememberFact(tx: StoreTx, name: string, value: string): Promise<void> {
  await tx.run(
    'insert into skerry_meta (name, value) values (?, ?) on conflict (name) do update set value = excluded.value',
    name,
    value,
  )
}

async function found(tx: StoreTx, reader: Reader, head: Position, now: number): Promise<void> {
  const { definition } = reader
  const [known] = await tx.all<{ start: string; ordering: string }>(
    'select start, ordering from skerry_subscription where name = ?',
    reader.id,
  )
  if (!known) {
    await tx.run(
      'insert into skerry_subscription (name, start, ordering, created) values (?, ?, ?, ?)',
      reader.id,
      definition.options.from,
      definition.options.order ?? 'none',
      now,
    )
    await foundShares(tx, reader.id, {})
  }
  if (known && known.ordering !== (definition.options.order ?? 'none')) {
    // A second subscription would answer all that was ever sent once more.
    const remedy = definition.name === durableCalls ? 'keep that' : 'keep that, or subscribe under a new name'
    throw new SkerryError(
      'invalid_config',
      `${reader.id}: its order is '${known.ordering}', recorded when it first started; ${remedy}`,
    )
  }
  // A stream that is new to an old subscription begins where the subscription was told to begin.
  const start = (known?.start ?? definition.options.from) === 'start' ? 0 : head
  for (const stream of reader.streams) await addStream(tx, reader.id, stream, start)
}
