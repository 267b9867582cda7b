/** The calling side of a scenario of blocks: a process that calls for a fraction of a second whenever it is told to. */
import { nowUs } from '../clock.ts'
import { heard, play, say } from '../second.ts'
import type { Options } from '../types.ts'
import type { Addresses } from './beside.ts'
import { type Order, orderOf } from './work.ts'

/** What a caller is told at its start. */
export interface Told {
  /** Calls under way at a time. */
  readonly inFlight: number
  readonly at: Addresses
  /** Of its entry in the table of scenarios. */
  readonly options: Options
}

export interface Caller {
  call(order: Order): Promise<{ readonly n: number }>
  close(): unknown
  /** What is to be said beside the figures. */
  readonly note?: string
}

/** What became of the calls of one block. */
export interface Block {
  readonly answered: number
  /** Refused, answered wrongly, or not answered at all. */
  readonly lost: number
  readonly elapsedMs: number
  /** Of the first that was lost. */
  readonly why: string | undefined
}

/** A call that has no answer by then is lost. Much longer than any deadline. */
const lostAfterMs = 10_000

/**
 * Calls before the first block, in which code is compiled. A number and no time: on a busy machine a process may have little of
 * that.
 */
const warmUpCalls = 10_000
const warmUpMs = 10_000

/** Runs a caller: it is told how long to call, in milliseconds, or 0 to end. */
export async function callInBlocks(open: (told: Told) => Promise<Caller> | Caller): Promise<void> {
  await play<Told>(async (told) => {
    const caller = await open(told)
    // Alone: connecting and looking up are no part of what is measured.
    await caller.call(orderOf(0))
    const warm = await run(caller, told.inFlight, warmUpMs, warmUpCalls)
    if (warm.why !== undefined) throw new Error(warm.why)
    say(caller.note ?? '')
    for (let ms = await heard<number>(); ms > 0; ms = await heard<number>()) {
      const block = await run(caller, told.inFlight, ms)
      say(block)
    }
    await caller.close()
  })
}

async function run(caller: Caller, inFlight: number, ms: number, most = Number.POSITIVE_INFINITY): Promise<Block> {
  const began = nowUs()
  const until = began + ms * 1_000
  const counts = { begun: 0, answered: 0 }
  let why: string | undefined
  const lane = async (): Promise<void> => {
    while (nowUs() < until && counts.begun < most) {
      const n = ++counts.begun
      try {
        const answer = await caller.call(orderOf(n))
        if (answer.n === n) counts.answered++
        else why ??= `the answer to ${n} says ${answer.n}`
      } catch (error) {
        why ??= error instanceof Error ? `${error.name}: ${error.message}` : String(error)
      }
    }
  }
  const lanes = Promise.all(Array.from({ length: inFlight }, lane))
  if (!(await inTime(lanes, ms + lostAfterMs))) why ??= `no answer within ${lostAfterMs} ms`
  const elapsedMs = (nowUs() - began) / 1_000
  return { answered: counts.answered, lost: counts.begun - counts.answered, elapsedMs, why }
}

async function inTime(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<false>()
  const timer = setTimeout(() => late.resolve(false), ms)
  const came = await Promise.race([promise.then(() => true), late.promise])
  clearTimeout(timer)
  return came
}
