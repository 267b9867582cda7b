/**
 * The thread in which handlers are run: one that never ends can be ended with it. It says what it does in shared memory,
 * where a thread that is stuck can still be read.
 */
import { realpathSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { codeOf, messageOf } from '../errors.ts'
import { handlersOf } from '../independence/check/check.ts'
import { type Both, unaffected } from './affected.ts'
import type { Changes } from './changes.ts'
import { loadCheck, wordsFor } from './checkable.ts'
import { Importing } from './imports.ts'
import { makersOf } from './makers.ts'
import { onlyOf } from './only.ts'

export interface Order {
  readonly path: string
  readonly seed: number
  readonly replay: number | undefined
  /** What changed, where only that is to be checked. */
  readonly changes: Changes | undefined
  /** The only service, type or pair, as `orders:placed,cancelled`. */
  readonly only: string | undefined
  /** A file of recorded events. */
  readonly events: string | undefined
  /** Handlers that hung before, and where. */
  readonly withhold: readonly (readonly [string, string])[]
  /** Steps so far, and the number of the handler that runs. */
  readonly pulse: SharedArrayBuffer
}

export type Answer =
  | { readonly kind: 'handlers'; readonly names: readonly string[] }
  | { readonly kind: 'progress'; readonly done: number; readonly total: number }
  | { readonly kind: 'report'; readonly report: import('../independence/check/report.ts').Report }
  | { readonly kind: 'example'; readonly example: import('../independence/check/example.ts').Example | undefined }
  | { readonly kind: 'error'; readonly code: string; readonly message: string }

const say = (answer: Answer): void => parentPort?.postMessage(answer)

try {
  await work(workerData as Order)
} catch (error) {
  say({ kind: 'error', code: codeOf(error), message: messageOf(error) })
}

async function work({ path, seed, replay, withhold, pulse, changes, only, events }: Order): Promise<void> {
  const importing = changes && new Importing()
  const check = await loadCheck(path)
  const reasons: ((pair: Both) => string | undefined)[] = only === undefined ? [] : [onlyOf(only, check.services)]
  if (changes && importing) {
    const imports = importing.end()
    const makers = await makersOf(check.services, imports)
    reasons.push(unaffected({ changes, imports, makers, path: realpathSync(path) }))
  }
  const leaveOut = (pair: Both): string | undefined => reasons.map((why) => why(pair)).find((why) => why !== undefined)
  say({ kind: 'handlers', names: handlersOf(check.services) })
  const beats = new Int32Array(pulse)
  const onStep = (handler: number): void => {
    Atomics.store(beats, 1, handler)
    Atomics.add(beats, 0, 1)
  }
  const onProgress = (done: number, total: number): void => say({ kind: 'progress', done, total })
  const recorded = events === undefined ? {} : { recorded: events }
  const run = {
    ...recorded,
    seed,
    name: wordsFor(path, events),
    withhold: new Map(withhold),
    coverage: true,
    leaveOut,
    onStep,
    onProgress,
  }
  if (replay === undefined) say({ kind: 'report', report: await check.run(run) })
  else say({ kind: 'example', example: await check.replay(replay, run) })
}
