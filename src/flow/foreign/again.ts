import type { ForeignMessage } from '../../bus/foreign.ts'
import { codeOf, messageOf } from '../../errors.ts'
import type { EventRecord } from '../../event.ts'
import { laneCount } from '../../keys.ts'
import type { StoreTx } from '../../store/store.ts'
import { type Emitted, putOutbox } from '../outbox.ts'
import { deleteException, dueExceptions } from '../positions.ts'
import { buryMessage, type Poison } from './bury.ts'
import { countOutcomes } from './seen.ts'
import { kept, type Translated } from './translate.ts'

export interface Again {
  readonly emitted: Emitted
  readonly dead: readonly Poison[]
}

const atOnce = 100

/**
 * Messages that an operator handed back, as they are now: repaired, or to be read by code that knows them. They have been
 * recorded as seen before, and their events have the ids that they would have had.
 */
export async function takeAgain(
  tx: StoreTx,
  source: { readonly service: string; readonly label: string },
  wall: number,
  translated: (message: ForeignMessage, id: string) => Translated,
): Promise<Again> {
  const { service, label } = source
  const records: EventRecord[] = []
  const dead: Poison[] = []
  for (const row of await dueExceptions(tx, label, { from: 0, to: laneCount }, wall, atOnce, 0)) {
    const record = row.record as EventRecord
    const result = translateAgain(record, translated)
    await deleteException(tx, label, row.stream, row.position)
    if (result.kind === 'event') records.push(result.record)
    else if (result.kind === 'poison') {
      await buryMessage(tx, service, label, result, wall, row.tries.history)
      dead.push(result)
    }
  }
  if (records.length > 0) await countOutcomes(tx, label, { received: records.length })
  return { emitted: records.length > 0 ? await putOutbox(tx, records) : undefined, dead }
}

function translateAgain(
  record: EventRecord,
  translated: (message: ForeignMessage, id: string) => Translated,
): Translated {
  try {
    const result = translated(kept(record), record.id)
    // What a repair made of it stays as it is.
    return result.kind === 'poison' ? { ...result, record } : result
  } catch (error) {
    return { kind: 'poison', code: codeOf(error), message: messageOf(error), record }
  }
}
