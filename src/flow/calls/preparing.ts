import type { Delivery } from '../../event.ts'
import type { CallDefinition } from '../../service.ts'
import type { Store } from '../../store/store.ts'
import type { Clock } from '../../time.ts'
import type { Caller } from '../calling.ts'
import type { CallRequest } from '../handler.ts'
import { prepareContext } from '../prepare.ts'
import { late, lateness, notCloneable } from './attempt.ts'

export interface ToPrepare {
  readonly definition: CallDefinition
  readonly request: CallRequest
  readonly delivery: Delivery
  readonly deadline: number
  readonly signal: AbortSignal | undefined
}

/** The first step of a call that has one, until its deadline, or until its caller has gone. */
export async function runPrepare(
  store: Store,
  clock: Clock,
  caller: Caller,
  work: ToPrepare,
): Promise<{ readonly prepared: unknown; readonly usedOnce: boolean }> {
  const { definition, request, delivery, deadline } = work
  const { prepare } = definition.handler
  if (!prepare) return { prepared: undefined, usedOnce: false }
  let usedOnce = false
  const onOnce = (): void => {
    usedOnce = true
  }
  const subscription = definition.type.label
  const prepared = await whileWaitedFor(clock, work, async (signal) =>
    prepare(prepareContext(store, clock, { subscription, delivery, deadline, caller, signal, onOnce }), request),
  )
  try {
    return { prepared: structuredClone(prepared), usedOnce }
  } catch (cause) {
    throw notCloneable(definition.type.label, cause)
  }
}

/** Rejects with `deadline_exceeded` or `cancelled` as soon as nobody waits any more; `step` is told by its signal. */
export async function whileWaitedFor<T>(
  clock: Clock,
  work: Pick<ToPrepare, 'definition' | 'deadline' | 'signal'>,
  step: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const tooLate = lateness(work, clock)
  if (tooLate) throw tooLate
  const abort = new AbortController()
  const gone = (): void => abort.abort(lateness(work, clock))
  const timer = clock.after(work.deadline - clock.monotonic(), () => abort.abort(late(work)))
  work.signal?.addEventListener('abort', gone)
  const ended = new Promise<never>((_, reject) => {
    abort.signal.addEventListener('abort', () => reject(abort.signal.reason))
  })
  try {
    return await Promise.race([step(abort.signal), ended])
  } finally {
    timer.cancel()
    work.signal?.removeEventListener('abort', gone)
  }
}
