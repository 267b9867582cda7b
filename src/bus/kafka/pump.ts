import type { Consumer as Client, ClusterMetadata } from '@platformatic/kafka'
import { codeOf } from '../../errors.ts'
import type { Sink } from '../bus.ts'
import type { Backoff } from './backoff.ts'
import { bySlot, type Fetched, type Slot, takeFrom } from './slot.ts'

export interface PumpHost {
  readonly client: Pick<Client, 'fetch'>
  readonly sink: Sink
  readonly signal: AbortSignal
  readonly backoff: Pick<Backoff, 'failed' | 'succeeded'>
  /** The partitions that this broker leads now and that may be asked for. */
  wanted(node: number): readonly Slot[]
  /** Resolves when that may have changed. */
  changed(): Promise<void>
  metadata(): Promise<ClusterMetadata>
  ask<T>(work: () => Promise<T>): Promise<T>
  /** Whether all of this has arrived from the other partitions of the topic. */
  passed(slot: Slot, drain: string): boolean
  /** Puts slots back to where the store is; those that went to others in the meantime may be among them. */
  reposition(slots: readonly Slot[]): Promise<void>
  took(slots: readonly Slot[]): void
}

/** How much is asked for at once, in bytes: from a broker, and of each partition. Twice that much is in memory at most. */
const fetchBytes = 1024 * 1024
const partitionBytes = 128 * 1024

/** How long a broker holds a question that it has no answer to, in milliseconds. */
const waitMs = 500

/**
 * Reads what one broker has, while the store takes in what came before. A store without room makes it wait, and the
 * broker keeps the rest.
 */
export async function pump(node: number, host: PumpHost): Promise<void> {
  const { signal, backoff } = host
  let taking: Promise<void> = Promise.resolve()
  let touched: readonly Slot[] = []
  // Beyond what the store took, maybe: to ask on from there would pass over what it refused, for good.
  let astray: readonly Slot[] = []
  while (!signal.aborted) {
    let slots: readonly Slot[] = []
    try {
      if (astray.length > 0) {
        await host.reposition(astray)
        astray = []
      }
      slots = host.wanted(node)
      if (slots.length === 0) {
        await taking
        await host.changed()
        continue
      }
      const [ids, response] = await fetch(node, host, slots)
      await taking
      backoff.succeeded()
      taking = take(host, slots, ids, response)
      // Its failure is met at the next turn; until then nobody else awaits it.
      taking.catch(() => {})
      touched = slots
    } catch (error) {
      taking = Promise.resolve()
      astray = [...new Set([...astray, ...touched, ...slots])]
      if (!signal.aborted && codeOf(error) !== 'fenced') await backoff.failed(error)
    }
  }
  await taking.catch(() => {})
}

async function fetch(node: number, host: PumpHost, slots: readonly Slot[]): Promise<[Map<string, string>, Fetched]> {
  const { client } = host
  const metadata = await host.metadata()
  const ids = new Map([...metadata.topics].map(([name, { id }]) => [name, id]))
  const response = await host.ask(() =>
    client.fetch({
      node,
      topics: topicsOf(slots, ids),
      maxBytes: fetchBytes,
      minBytes: 1,
      maxWaitTime: waitMs,
      isolationLevel: 0,
    }),
  )
  return [ids, response]
}

type Asked = Parameters<Client['fetch']>[0]['topics']

function topicsOf(slots: readonly Slot[], ids: ReadonlyMap<string, string>): Asked {
  const topics = new Map<string, Asked[number]>()
  for (const { topic, partition, next } of slots) {
    const asked = topics.get(topic) ?? { topicId: ids.get(topic) ?? '', partitions: [] }
    topics.set(topic, asked)
    asked.partitions.push({
      partition,
      currentLeaderEpoch: -1,
      fetchOffset: BigInt(next),
      lastFetchedEpoch: -1,
      partitionMaxBytes: partitionBytes,
    })
  }
  return [...topics.values()]
}

async function take(
  host: PumpHost,
  slots: readonly Slot[],
  ids: ReadonlyMap<string, string>,
  response: Fetched,
): Promise<void> {
  const found = bySlot(slots, ids, response).filter(([slot]) => !slot.revoked)
  const parcels = found.flatMap(([slot, batches]) => takeFrom(slot, batches, (drain) => host.passed(slot, drain)))
  if (parcels.length === 0) return
  await host.sink.take(parcels)
  host.took(found.map(([slot]) => slot))
}
