import type { Consumer as Client, RecordsBatch } from '@platformatic/kafka'
import type { Parcel } from '../bus.ts'
import { fromWire, type Received } from './message.ts'

/** What the client's `fetch` resolves with. */
export type Fetched = Awaited<ReturnType<Client['fetch']>>

/** A partition that this process reads. */
export interface Slot {
  readonly topic: string
  readonly stream: string
  readonly partition: number
  readonly source: string
  /** Offset of the next message to ask for. */
  next: number
  /** Place of the source after what was handed to the store last; the next parcel follows on it. */
  handed: number
  /** What has to arrive from other partitions first, as the message at `next` says it. */
  held: string
  /** True when another process has it now. */
  revoked: boolean
}

export const sourceOf = (topic: string, partition: number): string => `${topic}/${partition}`

interface Found {
  readonly offset: number
  /** Undefined for a message that is none of ours, which is passed over. */
  readonly message: Received | undefined
}

const isControl = 0b100000

/** Messages of a partition at or after an offset, in order. */
function* messagesFrom(batches: readonly RecordsBatch[], from: number): Generator<Found> {
  for (const batch of batches) {
    if (batch.attributes & isControl) continue
    for (const { offsetDelta, value, headers } of batch.records) {
      const offset = Number(batch.firstOffset) + offsetDelta
      if (offset < from) continue
      const texts = headers.map(([name, content]) => [name ?? nothing, content ?? nothing] as const)
      yield { offset, message: fromWire(value ?? undefined, texts) }
    }
  }
}

const nothing = Buffer.alloc(0)

/** Makes parcels of what came for a slot, and moves it on, up to the first message that has to wait for other partitions. */
export function takeFrom(slot: Slot, batches: readonly RecordsBatch[], passed: (drain: string) => boolean): Parcel[] {
  const parcels: Parcel[] = []
  for (const { offset, message } of messagesFrom(batches, slot.next)) {
    if (message && message.drain !== '' && !passed(message.drain)) {
      slot.held = message.drain
      break
    }
    slot.next = offset + 1
    if (!message) continue
    const { producer, numbers, lanes = [], frame } = message
    const offsets = { from: slot.handed, to: slot.next }
    parcels.push({ stream: slot.stream, source: slot.source, offsets, producer, numbers, lanes, frame })
    slot.handed = slot.next
  }
  return parcels
}

/** The answer to a fetch, slot by slot. */
export function bySlot(
  slots: readonly Slot[],
  ids: ReadonlyMap<string, string>,
  response: Fetched,
): [Slot, RecordsBatch[]][] {
  const found: [Slot, RecordsBatch[]][] = []
  for (const { topicId, partitions } of response.responses)
    for (const { partitionIndex, records } of partitions) {
      const slot = slots.find((one) => ids.get(one.topic) === topicId && one.partition === partitionIndex)
      if (slot && records && records.length > 0) found.push([slot, records])
    }
  return found
}
