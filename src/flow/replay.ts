import type { Bus, Chunk } from '../bus/bus.ts'
import { SkerryError } from '../errors.ts'
import { cancelType, type Delivery, type EventRecord, type Position } from '../event.ts'
import { cancelledId } from './lanes.ts'

/**
 * The log as it was handled at the time, for whoever handles it again: what had not expired then has not expired now,
 * and what was withdrawn before it was due stays withdrawn. Nothing is written: no reader is registered, no event
 * appended.
 */
export function asItHappened(bus: Bus, wall: () => number): Bus {
  const withdrawals = new Map<string, Promise<ReadonlyMap<string, number>>>()
  const retold = async (delivery: Delivery): Promise<Delivery> => {
    const { stream, record, position } = delivery
    if (record.expires === 0 && (record.due === 0 || record.due > wall())) return delivery
    if (record.due > 0 && !withdrawals.has(stream)) withdrawals.set(stream, readWithdrawals(bus, stream, position))
    const withdrawn = (await withdrawals.get(stream))?.get(record.id)
    return { ...delivery, record: { ...record, expires: expiryAt(record, withdrawn, wall()) } }
  }
  const refuse = (): never => {
    throw new SkerryError('capability_absent', 'a replay appends nothing')
  }
  return {
    engine: bus.engine,
    capabilities: bus.capabilities,
    lineage: () => bus.lineage(),
    head: () => bus.head(),
    producerMark: (producer) => bus.producerMark(producer),
    watch: (stream, listener) => bus.watch(stream, listener),
    status: () => bus.status(),
    async read(stream, from, credit): Promise<Chunk> {
      const chunk = await bus.read(stream, from, credit)
      return { ...chunk, events: await Promise.all(chunk.events.map(retold)) }
    },
    async readOne(stream: string, position: Position) {
      const delivery = await bus.readOne(stream, position)
      return delivery && retold(delivery)
    },
    register: async () => ({ marks: undefined }),
    acknowledge: () => {},
    append: async () => refuse(),
    forget: async () => refuse(),
    close: async () => {},
  }
}

/** 1 for what did not take effect at the time: it expires again. */
function expiryAt(record: EventRecord, withdrawnAt: number | undefined, wall: number): number {
  const then = Math.max(record.time, record.due)
  if (withdrawnAt !== undefined && withdrawnAt < record.due && record.due <= wall) return 1
  return record.expires > 0 && record.expires <= then ? 1 : record.expires > wall ? record.expires : 0
}

/** When the delayed events of a stream were withdrawn, by their ids. */
async function readWithdrawals(bus: Bus, stream: string, from: Position): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>()
  for (let at = from; ; ) {
    const { events, next } = await bus.read(stream, at, { events: 1000, bytes: 512 * 1024 })
    for (const { record } of events) if (record.type === cancelType) found.set(cancelledId(record), record.time)
    if (events.length === 0) return found
    at = next
  }
}
