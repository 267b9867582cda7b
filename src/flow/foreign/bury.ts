import { laneOfKey } from '../../keys.ts'
import type { StoreTx } from '../../store/store.ts'
import { bury } from '../deadletter.ts'
import type { Attempt } from '../tries.ts'
import { foreignType, type Translated } from './translate.ts'

export type Poison = Extract<Translated, { kind: 'poison' }>

/** Keeps a message that became no event as a dead letter of its source: to be looked at, repaired and handed back like any other. */
export async function buryMessage(
  tx: StoreTx,
  service: string,
  label: string,
  { record, code, message }: Poison,
  at: number,
  before: readonly Attempt[] = [],
): Promise<void> {
  // It has no place in a stream; a number of its own makes the same message the same dead letter.
  const position = Number.parseInt(record.id.replaceAll('-', '').slice(0, 12), 16)
  const history = [...before, { at, code, message, charged: true }]
  await bury(tx, {
    ...{ subscription: label, stream: service, position, lane: laneOfKey(record.key), key: record.key },
    ...{ type: foreignType, code, message, at, attempts: history.length, record, history },
  })
}
