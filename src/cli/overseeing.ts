import { Session } from 'node:inspector'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { type ErrorCode, SkerryError } from '../errors.ts'
import { isUsers } from '../independence/check/sites.ts'
import { pause, systemClock } from '../time.ts'
import type { Answer, Order } from './checking.ts'

/** A handler that has not come to its end for this long, in milliseconds, never will. */
const patienceMs = 5000
const lookEveryMs = 250
/** Trials leave much behind that is garbage soon: room for it costs less than looking for it often. */
const resourceLimits = { maxYoungGenerationSizeMb: 128 }

type Result = Extract<Answer, { kind: 'report' | 'example' }>

/** Runs a check in a thread of its own; where a handler never ends, without that handler once more. */
export async function oversee(
  order: Omit<Order, 'pulse' | 'withhold'>,
  onProgress: (done: number, total: number) => void,
): Promise<Result> {
  const withhold: [string, string][] = []
  for (;;) {
    const ended = await once({ ...order, withhold, pulse: new SharedArrayBuffer(8) }, onProgress)
    if (ended.kind === 'report' || ended.kind === 'example') return ended
    if (ended.kind === 'error') throw new SkerryError(ended.code as ErrorCode, ended.message)
    withhold.push([ended.handler, `never ends${ended.site ? ` (${ended.site})` : ''}`])
  }
}

type Ended = Result | Extract<Answer, { kind: 'error' }> | { readonly kind: 'stuck'; handler: string; site: string }

async function once(order: Order, onProgress: (done: number, total: number) => void): Promise<Ended> {
  const worker = new Worker(new URL('./checking.ts', import.meta.url), { workerData: order, resourceLimits })
  const done = new AbortController()
  let names: readonly string[] = []
  let stopping = false
  const answered = new Promise<Ended>((resolve) => {
    worker.on('message', (answer: Answer) => {
      if (answer.kind === 'handlers') names = answer.names
      else if (answer.kind === 'progress') onProgress(answer.done, answer.total)
      else resolve(answer)
    })
    worker.on('error', (error: Error) => resolve({ kind: 'error', code: 'failed', message: error.message }))
    worker.on(
      'exit',
      () => stopping || resolve({ kind: 'error', code: 'failed', message: 'the check ended without a word' }),
    )
  })
  const stuck = watch(order.pulse, done.signal).then(async (handler): Promise<Ended> => {
    if (handler === undefined) return answered
    stopping = true
    return { kind: 'stuck', handler: names[handler] ?? '', site: await endStuck(worker) }
  })
  const ended = await Promise.race([answered, stuck])
  done.abort()
  await worker.terminate()
  return ended
}

/** Resolves with the handler that runs when no step has begun for too long, or with nothing once aborted. */
async function watch(pulse: SharedArrayBuffer, signal: AbortSignal): Promise<number | undefined> {
  const beats = new Int32Array(pulse)
  let last = 0
  let since = systemClock.monotonic()
  while (!signal.aborted) {
    await pause(systemClock, lookEveryMs, signal)
    const now = Atomics.load(beats, 0)
    // Before the first step modules are loaded, which takes what it takes.
    if (now !== last || now === 0) {
      last = now
      since = systemClock.monotonic()
    } else if (systemClock.monotonic() - since > patienceMs) return Atomics.load(beats, 1)
  }
  return undefined
}

type Said =
  | { readonly method: 'Debugger.scriptParsed'; readonly params: { readonly scriptId: string; readonly url: string } }
  | { readonly method: 'Debugger.paused'; readonly params: { readonly callFrames: readonly Frame[] } }

interface Frame {
  readonly location: { readonly scriptId: string; readonly lineNumber: number }
}

function siteOf(url: string, line: number): string {
  if (!url.startsWith('file:') || !isUsers(fileURLToPath(url))) return ''
  return `${relative(process.cwd(), fileURLToPath(url))}:${line + 1}`
}

/**
 * Ends a stuck thread; resolves with the line of the user's that it was at, or '' when that cannot be told. The session is
 * closed last: a thread that was stopped for a look and lost its debugger would never end.
 */
async function endStuck(worker: Worker): Promise<string> {
  const session = new Session()
  session.connect()
  try {
    return await Promise.race([lineOf(session), pause(systemClock, 2000).then(() => '')])
  } finally {
    await worker.terminate()
    session.disconnect()
  }
}

function lineOf(session: Session): Promise<string> {
  const urls = new Map<string, string>()
  return new Promise((resolve) => {
    session.on('NodeWorker.attachedToWorker', ({ params: { sessionId } }) => {
      for (const [id, method] of ['Debugger.enable', 'Debugger.pause'].entries())
        session.post('NodeWorker.sendMessageToWorker', { sessionId, message: JSON.stringify({ id: id + 1, method }) })
    })
    session.on('NodeWorker.receivedMessageFromWorker', ({ params: { message, sessionId } }) => {
      const { method, params } = JSON.parse(message) as Said
      if (method === 'Debugger.scriptParsed') urls.set(params.scriptId, params.url)
      if (method !== 'Debugger.paused') return
      const resume = JSON.stringify({ id: 3, method: 'Debugger.resume' })
      session.post('NodeWorker.sendMessageToWorker', { sessionId, message: resume })
      const lines = params.callFrames.map(({ location }) =>
        siteOf(urls.get(location.scriptId) ?? '', location.lineNumber),
      )
      resolve(lines.find((line) => line !== '') ?? '')
    })
    session.post('NodeWorker.enable', { waitForDebuggerOnStart: false })
  })
}
