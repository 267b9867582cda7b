import type { Known, Plan } from './plan.ts'
import type { Growth } from './protocol.ts'

/** Bytes of frames that travel with the news of one commit; what is larger is read from the file. */
const longestNews = 16 * 1024

/**
 * What a commit adds to each stream, for readers that have all before it. To be made before the commit, which moves the
 * ends of the streams, and told after it: what has not been committed is no news.
 */
export function newsOf(plan: Plan, known: Known, term: string): readonly Growth[] {
  if (plan.bytes > longestNews) return []
  const news = new Map<string, Growth & { rows: Growth['rows'][number][] }>()
  for (const { segment, position, count, frame } of plan.rows) {
    const stream = plan.segments.get(segment)?.stream ?? ''
    let growth = news.get(stream)
    if (!growth) {
      // Without a segment all of it may have been dropped: only who has come to the head of the bus has missed nothing.
      const after = known.newestSegment(stream)?.next ?? known.head
      growth = { stream, after, until: plan.head, rows: [], term }
      news.set(stream, growth)
    }
    growth.rows.push([position, count, frame])
  }
  return [...news.values()]
}
