import { codeOf, isEnvironmental } from '../errors.ts'
import type { EventRecord, Position } from '../event.ts'
import type { Random } from '../ids.ts'
import type { Store, StoreTx, WriteMode } from '../store/store.ts'
import { type AttemptEnvironment, attempt, Spoiled } from './attempt.ts'
import { clearOutbox, type Emitted, numbersAtCommit, putOutbox } from './outbox.ts'
import { mustWait, waitFrom, workKey } from './places.ts'
import { recordTerm, type Term } from './registration.ts'
import type { Room } from './room.ts'
import { blocksKey, type Settling, settle } from './settle.ts'
import { holds } from './shares.ts'
import type { Outcome, Share, Work } from './state.ts'

/**
 * Most events in one transaction, and most handler time after which it is closed; longer where it is at the other end of a wire
 * (`StoreTx.whole`), since there most of that time is spent on the way, and a commit costs several trips.
 */
export const batchLimit = { events: 512, handlerMs: 10, wiredMs: 30 }

export interface BatchEnvironment extends AttemptEnvironment {
  readonly store: Store
  readonly random: Random
  readonly room: Room
  /** Told of works that must run again because another transaction was in their way. */
  readonly conflicted: (works: readonly Work[]) => void
  /** Told when a batch without savepoints has to be run again with them. */
  readonly spoiled: () => void
  /** Emitted events numbered up to here are on the bus: their rows can go with this commit. */
  readonly relayed: () => Position
  readonly term: Term
}

export interface BatchResult {
  readonly outcomes: ReadonlyMap<Work, Outcome>
  /** Not run for lack of time, in their order. */
  readonly left: readonly Work[]
  /** Shares that turned out to belong to somebody else. */
  readonly lost: readonly Share[]
  readonly emitted: Emitted
}

interface Draft {
  readonly outcomes: Map<Work, Outcome>
  readonly left: Work[]
  readonly lost: Share[]
  readonly records: EventRecord[]
  readonly after: (() => void)[]
  emitted: Emitted
}

/**
 * Group commit: runs works one after another, each under its own savepoint, records what became of them, and commits
 * all of it at once. When the commit itself fails through one of them, the batch is halved until that one stands alone.
 */
export async function runBatch(
  works: readonly Work[],
  env: BatchEnvironment,
  mode: WriteMode = 'serial',
): Promise<BatchResult> {
  await env.room.mustHaveSome(env.store)
  try {
    const draft = await env.store.write((tx) => runIn(tx, works, env), mode)
    for (const effect of draft.after) effect()
    env.room.emitted(draft.records.length)
    return draft
  } catch (error) {
    if (error instanceof Spoiled) return runSpoiled(works, error, env)
    if (isEnvironmental(error) || codeOf(error) === 'overloaded') throw error
    if (codeOf(error) === 'conflict') return runAgain(works, error, env, mode)
    return bisect(works, error, env, mode)
  } finally {
    env.watch.stop()
  }
}

/**
 * Another transaction was in the way: that is no event's fault, and nothing is charged. Half of them have a better chance; a
 * single one runs while nobody else does, so that it comes to an end.
 */
async function runAgain(
  works: readonly Work[],
  error: unknown,
  env: BatchEnvironment,
  mode: WriteMode,
): Promise<BatchResult> {
  env.conflicted(works)
  // Nothing of ours was beside it: somebody else works on these tables. The processor rests, and tries again.
  if (mode === 'alone') throw error
  if (works.length === 1) return runBatch(works, env, 'alone')
  return runHalf(works, env, mode)
}

/** With savepoints, and so with no more of them than there should be; what failed is not run a second time. */
async function runSpoiled(
  works: readonly Work[],
  { work, reason }: Spoiled,
  env: BatchEnvironment,
): Promise<BatchResult> {
  env.spoiled()
  work.stage = { at: 'failed', error: reason }
  const most = env.store.savepointLimit
  const done = await runBatch(works.slice(0, most), env)
  return { ...done, left: [...done.left, ...works.slice(most)] }
}

async function bisect(
  works: readonly Work[],
  error: unknown,
  env: BatchEnvironment,
  mode: WriteMode,
): Promise<BatchResult> {
  const [only] = works
  if (works.length === 1 && only) {
    if (only.stage.at === 'failed') throw error
    only.stage = { at: 'failed', error }
    return runBatch(works, env, mode)
  }
  return runHalf(works, env, mode)
}

async function runHalf(works: readonly Work[], env: BatchEnvironment, mode: WriteMode): Promise<BatchResult> {
  const half = Math.ceil(works.length / 2)
  const left = await runBatch(works.slice(0, half), env, mode)
  // The rest stays queued: the next batch takes it, with what else has become ready.
  return { ...left, left: [...left.left, ...works.slice(half)] }
}

async function runIn(tx: StoreTx, works: readonly Work[], env: BatchEnvironment): Promise<Draft> {
  const draft: Draft = { outcomes: new Map(), left: [], lost: [], records: [], after: [], emitted: undefined }
  env.sampler?.look()
  if (numbersAtCommit(tx)) {
    const relayed = env.relayed()
    if (relayed > 0) await clearOutbox(tx, relayed)
    await env.room.mustHaveSomeNow(tx)
  }
  const held = await fence(tx, works, draft)
  const end = env.clock.monotonic() + (tx.whole ? batchLimit.wiredMs : batchLimit.handlerMs)
  const troubled = new Map<string, Position>()
  for (const work of works) {
    if (!held.has(work.share)) continue
    if (draft.outcomes.size > 0 && env.clock.monotonic() > end) draft.left.push(work)
    else draft.outcomes.set(work, await runOne(tx, work, env, troubled, draft.records))
  }
  const s: Settling = {
    tx,
    wall: env.clock.wall(),
    monotonic: env.clock.monotonic(),
    random: env.random,
    after: draft.after,
    keys: new Map(),
  }
  // Told all at once: an engine at the other end of a wire answers them together.
  const put = draft.records.length > 0 ? putOutbox(tx, draft.records) : undefined
  const [emitted] = await Promise.all([put, recordTerm(tx, env.term, draft.after), settle(s, draft.outcomes)])
  draft.emitted = emitted
  return draft
}

async function fence(tx: StoreTx, works: readonly Work[], draft: Draft): Promise<Set<Share>> {
  const held = new Set<Share>()
  const shares = [...new Set(works.map((work) => work.share))]
  const ours = await Promise.all(shares.map((share) => holds(tx, share.reader.id, share.lanes, share.token)))
  for (const [i, share] of shares.entries()) {
    if (ours[i]) held.add(share)
    else draft.lost.push(share)
  }
  return held
}

/** Runs one work, unless its key came into trouble earlier in this batch and it stands in line behind that. */
async function runOne(
  tx: StoreTx,
  work: Work,
  env: BatchEnvironment,
  troubled: Map<string, Position>,
  records: EventRecord[],
): Promise<Outcome> {
  const { reader } = work.share
  if (!reader.ordered) return outcomeOf(tx, work, env, records)
  const key = `${reader.id}\n${workKey(work)}`
  const first = troubled.get(key)
  if (first !== undefined && mustWait(work, first)) return { kind: 'diverted' }
  const outcome = await outcomeOf(tx, work, env, records)
  if (blocksKey(work, outcome))
    troubled.set(key, waitFrom(work, first === undefined ? work.share.waiting.get(workKey(work)) : { first }))
  return outcome
}

function outcomeOf(tx: StoreTx, work: Work, env: BatchEnvironment, records: EventRecord[]): Promise<Outcome> | Outcome {
  switch (work.task.kind) {
    case 'handle':
      return attempt(tx, work, env, records)
    case 'delay':
      return { kind: 'delayed', due: work.task.until }
    case 'expire':
      return { kind: 'expired' }
    case 'cancel':
      return { kind: 'cancelled' }
    case 'unknown':
      return { kind: 'unknown_version', message: work.task.message }
  }
}
