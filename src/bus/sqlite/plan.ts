import { dropFromFrame } from '../../frame.ts'
import { accept, lastOf } from '../accept.ts'
import type { Batch } from '../bus.ts'
import type { Failure } from './failures.ts'
import type { Segment } from './segments.ts'

/** What the writer knows before a commit; all of it as of the last one. */
export interface Known {
  readonly file: string
  readonly head: number
  readonly nextSegment: number
  readonly segmentBytes: number
  /** Bytes that may still be written. */
  readonly room: number
  readonly wall: number
  mark(producer: string): number
  newestSegment(stream: string): Segment | undefined
}

export interface LogRow {
  readonly segment: number
  readonly position: number
  readonly count: number
  readonly frame: string
}

/** A commit before it is made: nothing of it counts unless the commit succeeds. */
export interface Plan {
  head: number
  nextSegment: number
  bytes: number
  readonly rows: LogRow[]
  /** Every segment that this changes, by id, as it will be; a stream may fill one and start the next. */
  readonly segments: Map<number, Segment>
  /** Those of them that are new. */
  readonly started: Set<number>
  /** The newest segment of each stream that this changes. */
  readonly newest: Map<string, Segment>
  readonly marks: Map<string, number>
  /** One for each batch, in order; undefined for what is accepted or known already. */
  readonly failures: (Failure | undefined)[]
}

export function planCommit(batches: readonly Batch[], known: Known): Plan {
  const plan: Plan = {
    head: known.head,
    nextSegment: known.nextSegment,
    bytes: 0,
    rows: [],
    segments: new Map(),
    started: new Set(),
    newest: new Map(),
    marks: new Map(),
    failures: [],
  }
  for (const batch of batches) plan.failures.push(planBatch(batch, plan, known))
  return plan
}

function planBatch(batch: Batch, plan: Plan, known: Known): Failure | undefined {
  const mark = plan.marks.get(batch.producer) ?? known.mark(batch.producer)
  const acceptance = accept(batch, mark)
  if (acceptance.kind === 'conflict') return missing(batch, mark, known.file)
  if (acceptance.kind === 'known') return undefined
  const frame = acceptance.drop > 0 ? dropFromFrame(batch.frame, acceptance.drop) : batch.frame
  const bytes = Buffer.byteLength(frame)
  if (plan.bytes + bytes > known.room) return full(known.file)
  const count = batch.count - acceptance.drop
  const segment = place(batch.stream, count, bytes, plan, known)
  plan.rows.push({ segment: segment.id, position: plan.head, count, frame })
  plan.marks.set(batch.producer, lastOf(batch))
  plan.head += count
  plan.bytes += bytes
  return undefined
}

/** Adds to the stream's newest segment, or starts another when that has its size. */
function place(stream: string, events: number, bytes: number, plan: Plan, known: Known): Segment {
  const newest = plan.newest.get(stream) ?? known.newestSegment(stream)
  const base = newest && newest.bytes < known.segmentBytes ? newest : fresh(stream, plan, known)
  const grown: Segment = {
    ...base,
    next: plan.head + events,
    events: base.events + events,
    bytes: base.bytes + bytes,
    lastAt: Math.max(base.lastAt, known.wall),
  }
  plan.newest.set(stream, grown)
  plan.segments.set(grown.id, grown)
  return grown
}

function fresh(stream: string, plan: Plan, { wall }: Known): Segment {
  const id = plan.nextSegment++
  plan.started.add(id)
  return { id, stream, first: plan.head, next: plan.head, events: 0, bytes: 0, firstAt: wall, lastAt: wall }
}

function missing(batch: Batch, mark: number, file: string): Failure {
  return {
    code: 'conflict',
    message:
      `${file}: producer ${batch.producer} sent events after its number ${batch.after}, but only ${mark} arrived; ` +
      'send again from the number that producerMark gives',
  }
}

function full(file: string): Failure {
  return {
    code: 'overloaded',
    message: `${file}: has reached its size limit; raise maxBytes, or forget abandoned subscriptions so that retention can go on`,
    retryAfterMs: 250,
  }
}
