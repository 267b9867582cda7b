import type { Segment } from './segments.ts'

export interface RetentionRules {
  /** Segments whose newest event is older go; Infinity keeps them. */
  readonly ageMs: number
  /** A stream keeps at least its newest segments of this size together; Infinity keeps all. */
  readonly bytes: number
}

/**
 * The segments to drop now, oldest first in each stream. `floorOf` is the lowest mark of the stream's registered
 * readers (Infinity without one): retention never passes it. Stops at the first segment that must stay.
 */
export function expired(
  segments: readonly Segment[],
  rules: RetentionRules,
  floorOf: (stream: string) => number,
  wall: number,
): Segment[] {
  const drop: Segment[] = []
  for (const [stream, own] of byStream(segments)) {
    let bytes = own.reduce((sum, segment) => sum + segment.bytes, 0)
    const floor = floorOf(stream)
    for (const segment of own) {
      const tooOld = wall - segment.lastAt > rules.ageMs
      if (segment.next > floor || !(tooOld || bytes - segment.bytes >= rules.bytes)) break
      drop.push(segment)
      bytes -= segment.bytes
    }
  }
  return drop
}

function byStream(segments: readonly Segment[]): Map<string, Segment[]> {
  const streams = new Map<string, Segment[]>()
  for (const segment of [...segments].sort((a, b) => a.first - b.first)) {
    const own = streams.get(segment.stream)
    if (own) own.push(segment)
    else streams.set(segment.stream, [segment])
  }
  return streams
}
