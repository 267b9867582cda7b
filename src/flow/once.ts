import { SkerryError } from '../errors.ts'
import type { Delivery } from '../event.ts'
import { derivedId } from '../ids.ts'
import type { Store, StoreTx } from '../store/store.ts'
import type { Clock } from '../time.ts'

/** How long a provider is trusted to remember an idempotency key, unless said otherwise. */
export const defaultKeyLifetimeMs = 24 * 3600 * 1000

interface OnceRow {
  readonly key: string
  readonly result: string | null
  readonly at: number
}

export interface OnceRequest<T> {
  readonly subscription: string
  readonly delivery: Delivery
  readonly name: string
  readonly keyLifetimeMs: number
  readonly act: (key: string) => Promise<T>
  /** Whether what `act` rejected with says that it had no effect: then its intent is taken back. @default never */
  readonly withoutEffect?: (error: unknown) => boolean
}

/**
 * Runs an outside effect so that at most one result counts: the intent is on disk before the act, the result after
 * it. With a result: no act. With an intent alone: the act again under the same key, while the key lives; after that
 * nobody can tell whether it happened, and the event is parked as `in_doubt`.
 */
export async function once<T>(store: Store, clock: Clock, request: OnceRequest<T>): Promise<T> {
  const { subscription, delivery, name } = request
  const place = [subscription, delivery.stream, delivery.record.id, name] as const
  const key = derivedId(delivery.stream, delivery.record.id, subscription, `once:${name}`)
  const found = await store.write(async (tx) => {
    const [row] = await tx.all<OnceRow>(
      'select key, result, at from skerry_once where subscription = ? and stream = ? and event = ? and name = ?',
      ...place,
    )
    if (row) return row
    await tx.run(
      'insert into skerry_once (subscription, stream, event, name, key, at) values (?, ?, ?, ?, ?, ?)',
      ...place,
      key,
      clock.wall(),
    )
    return undefined
  }, 'bookkeeping')
  if (found?.result) return (JSON.parse(found.result) as { value: T }).value
  if (found && clock.wall() - found.at > request.keyLifetimeMs) {
    throw new SkerryError(
      'in_doubt',
      `${subscription}: '${name}' for ${delivery.record.id} was begun at ${new Date(found.at).toISOString()} and never answered; ` +
        'look up at the provider whether it happened, then redrive or discard the dead letter',
    )
  }
  const value = await request.act(key).catch(async (error: unknown) => {
    // An earlier try may have had an effect, whatever this one says: only an intent of its own goes.
    if (!found && request.withoutEffect?.(error)) await store.write((tx) => withdraw(tx, place), 'bookkeeping')
    throw error
  })
  const result = JSON.stringify({ value })
  await store.write(
    (tx) =>
      tx.run(
        'update skerry_once set result = ? where subscription = ? and stream = ? and event = ? and name = ?',
        result,
        ...place,
      ),
    'bookkeeping',
  )
  return value
}

async function withdraw(tx: StoreTx, place: readonly string[]): Promise<void> {
  await tx.run(
    'delete from skerry_once where subscription = ? and stream = ? and event = ? and name = ? and result is null',
    ...place,
  )
}
