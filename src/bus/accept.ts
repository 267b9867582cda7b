import type { Batch } from './bus.ts'

/** What a producer's mark makes of a batch: how many of its first events the bus already has, or that some are missing. */
export type Acceptance =
  | { readonly kind: 'accepted'; readonly drop: number }
  | { readonly kind: 'known' }
  | { readonly kind: 'conflict' }

export function accept(batch: Pick<Batch, 'after' | 'first' | 'count'>, mark: number): Acceptance {
  if (batch.after > mark) return { kind: 'conflict' }
  const drop = Math.max(0, mark - batch.first + 1)
  return drop >= batch.count ? { kind: 'known' } : { kind: 'accepted', drop }
}

export const lastOf = (batch: Pick<Batch, 'first' | 'count'>): number => batch.first + batch.count - 1

/** True when `next` numbers on where `batch` ends: the two say the same as one batch with both their events. */
export function continues(batch: Batch, next: Batch): boolean {
  const last = lastOf(batch)
  return (
    next.after === last && next.first === last + 1 && next.producer === batch.producer && next.stream === batch.stream
  )
}
