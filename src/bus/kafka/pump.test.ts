import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SkerryError } from '../../errors.ts'
import { toWire } from './message.ts'
import { type PumpHost, pump } from './pump.ts'
import type { Slot } from './slot.ts'

test('what the store refused is asked for again, even when nobody could say at first where the store is', async () => {
  const abort = new AbortController()
  const slot: Slot = {
    ...{ topic: 't', stream: 's', partition: 0, source: 't/0' },
    ...{ next: 0, handed: 0, held: '', revoked: false },
  }
  const asked: bigint[] = []
  const told: string[] = []
  let repositions = 0
  const host = {
    client: {
      async fetch({ topics }: { topics: { partitions: { fetchOffset: bigint }[] }[] }) {
        const from = topics[0]?.partitions[0]?.fetchOffset as bigint
        asked.push(from)
        if (told.length > 0 && from === 0n) abort.abort()
        // One message, and then nothing any more: nothing that comes later would show that this one was lost.
        return answer(from === 0n ? 1 : 0)
      },
    },
    sink: { take: () => Promise.reject(new Error('refused')) },
    signal: abort.signal,
    backoff: { failed: async (error: Error) => void told.push(error.message), succeeded() {} },
    wanted: () => [slot],
    changed: () => Promise.resolve(),
    metadata: async () => ({ topics: new Map([['t', { id: 'id' }]]) }),
    ask: <T>(work: () => Promise<T>) => work(),
    passed: () => true,
    async reposition() {
      if (repositions++ === 0) throw new SkerryError('unavailable', 'away')
      slot.next = slot.handed = 0
    },
    took() {},
  }
  // Asked too often without coming back: the loop is ended, and the assertion tells.
  const { fetch } = host.client
  host.client.fetch = (options) => {
    if (asked.length > 10) abort.abort()
    return fetch(options)
  }
  await pump(1, host as unknown as PumpHost)
  assert.deepEqual(told.slice(0, 2), ['refused', 'away'])
  assert.deepEqual(asked, [0n, 1n, 0n])
})

function answer(messages: number): unknown {
  const { value, headers } = toWire({ partition: 0, numbers: [1], lanes: [1], frame: '' }, 'p', [])
  const records = Array.from({ length: messages }, (_, n) => ({ offsetDelta: n, value, headers: [...headers] }))
  const batches = messages > 0 ? [{ attributes: 0, firstOffset: 0n, records }] : []
  return { responses: [{ topicId: 'id', partitions: [{ partitionIndex: 0, records: batches }] }] }
}
