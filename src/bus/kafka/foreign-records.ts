import type { RecordsBatch } from '@platformatic/kafka'
import { foreignMessage, type Incoming } from '../foreign.ts'

/** What one fetch brought of one partition. */
export interface Fetched {
  readonly topic: string
  readonly partition: number
  readonly batches: readonly RecordsBatch[]
  /** Transactions of which some is there, though they were given up. */
  readonly aborted: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[]
}

const isTransactional = 0b1_0000
const isControl = 0b10_0000
const abortMarker = 0

export const partOf = (topic: string, partition: number): string => `${topic}/${partition}`

/** Messages at or after an offset, in order, but for those of aborted transactions; and where to read on. */
export function messagesOf(fetched: Fetched, from: number): { messages: Incoming[]; next: number } {
  const { topic, partition, batches } = fetched
  const aborted = [...fetched.aborted].sort((a, b) => Number(a.firstOffset - b.firstOffset))
  const givenUp = new Set<bigint>()
  const messages: Incoming[] = []
  let next = from
  for (const batch of batches) {
    while (aborted[0] && aborted[0].firstOffset <= batch.firstOffset + BigInt(batch.lastOffsetDelta))
      givenUp.add((aborted.shift() as { producerId: bigint }).producerId)
    if (batch.attributes & isControl) {
      if (batch.records[0]?.key?.readInt16BE(2) === abortMarker) givenUp.delete(batch.producerId)
    } else if (!(batch.attributes & isTransactional && givenUp.has(batch.producerId)))
      for (const record of batch.records) {
        const offset = Number(batch.firstOffset) + record.offsetDelta
        if (offset >= from) messages.push(incomingOf(topic, partition, offset, batch, record))
      }
    next = Math.max(next, Number(batch.firstOffset) + batch.lastOffsetDelta + 1)
  }
  return { messages, next }
}

function incomingOf(
  topic: string,
  partition: number,
  offset: number,
  batch: RecordsBatch,
  record: RecordsBatch['records'][number],
): Incoming {
  const headers = Object.fromEntries(record.headers.map(([name, value]) => [String(name), String(value ?? '')]))
  return {
    offset: { part: partOf(topic, partition), at: offset },
    message: foreignMessage({
      body: record.value ?? Buffer.alloc(0),
      contentType: headers['content-type'] ?? '',
      headers,
      key: record.key?.toString() ?? '',
      messageId: headers['message-id'] ?? '',
      place: `${partOf(topic, partition)}/${offset}`,
      time: Math.max(0, Number(batch.firstTimestamp + record.timestampDelta)),
    }),
  }
}
