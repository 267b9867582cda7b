import type { Watcher } from '../telemetry.ts'
import type { Clock } from '../time.ts'
import type { Outcome, Work } from './state.ts'

/** Tells whoever watches what became of an event. */
export function report(watcher: Watcher, clock: Clock, work: Work, outcome: Outcome): void {
  const subscription = work.share.reader.id
  const { type, id } = work.delivery.record
  if (outcome.kind === 'handled')
    watcher({
      kind: 'handled',
      subscription,
      type,
      latencyMs: clock.wall() - work.delivery.record.time,
    })
  else if (outcome.kind === 'dead')
    watcher({ kind: 'dead', subscription, type, id, code: outcome.code, message: outcome.message })
  else if (outcome.kind === 'retry') {
    const last = outcome.tries.history.at(-1)
    if (last?.code === 'budget_exceeded')
      watcher({ kind: 'overrun', subscription, type, id, budgetMs: work.share.reader.budgetMs })
    watcher({
      kind: 'retried',
      subscription,
      type,
      id,
      attempt: outcome.tries.attempts,
      code: last?.code ?? '',
      message: last?.message ?? '',
    })
  }
}
