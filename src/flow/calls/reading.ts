import { SkerryError } from '../../errors.ts'
import type { Store } from '../../store/store.ts'
import type { Clock } from '../../time.ts'
import type { ReadContext, Sql } from '../handler.ts'
import { type ToPrepare, whileWaitedFor } from './preparing.ts'

/** The answer of a read-only call: its handler reads one snapshot, until its deadline at most. */
export function readAnswer(store: Store, clock: Clock, work: ToPrepare): Promise<string> {
  const { definition, request } = work
  const { type, handler } = definition
  return store.read((tx) =>
    whileWaitedFor(clock, work, async (signal) => {
      let ended = false
      const query = (template: TemplateStringsArray, ...values: unknown[]) =>
        ended || signal.aborted ? Promise.reject(over(type.label)) : tx.query(template, values)
      const context: ReadContext = { sql: query as Sql, dialect: tx.dialect, now: () => request.time, signal }
      try {
        const text = JSON.stringify(type.give(await handler.handle(context as never, request)))
        if (text === undefined) throw new SkerryError('failed', `${type.label}: what its handler returned is not JSON`)
        return text
      } finally {
        ended = true
      }
    }),
  )
}

const over = (label: string): SkerryError =>
  new SkerryError(
    'tx_ended',
    `${label}: its snapshot was used after its handler ended; await everything that it starts`,
  )
