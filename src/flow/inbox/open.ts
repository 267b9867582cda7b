import { SkerryError } from '../../errors.ts'
import type { AnyService } from '../../service.ts'
import type { ReadTx, StoreTx } from '../../store/store.ts'
import { InboxBus, type InboxOptions, type Published } from './bus.ts'

export interface OpenInbox extends Omit<InboxOptions, 'service'> {
  readonly service: AnyService
  /** What was published before, which need not come. */
  readonly published: readonly Published[]
}

/**
 * The bus as the store of one service sees it, with the inbox at work. Rejects with `capability_absent` when a subscription
 * wants events that neither the engine nor the inbox has any more.
 */
export async function openInbox({ service, published, ...options }: OpenInbox): Promise<InboxBus> {
  const streams = await options.store.write((tx) => foundStreams(tx, service, options.engine.engine), 'bookkeeping')
  const inbox = new InboxBus({ ...options, service: service.name })
  try {
    await inbox.begin(streams, published)
  } catch (error) {
    await inbox.close()
    throw error
  }
  return inbox
}

type Starts = Record<string, 'start' | 'now'>

/** Records once from when on each stream comes in. */
async function foundStreams(tx: StoreTx, service: AnyService, engine: string): Promise<Starts> {
  const wanted = startsOf(service)
  const known = await knownStreams(tx)
  await refuseLateStarts(tx, service, known, engine)
  for (const [stream, start] of Object.entries(wanted)) {
    if (known.has(stream)) continue
    await tx.run('insert into skerry_inbox_stream (stream, start) values (?, ?)', stream, start)
  }
  return Object.fromEntries([...(await knownStreams(tx))].map(([stream, { start }]) => [stream, start]))
}

/** From when on a service wants each stream: from the start, if any of its subscriptions does. */
function startsOf(service: AnyService): Starts {
  const starts: Starts = {}
  for (const { options, handlers } of service.subscriptions.values())
    for (const { type } of handlers.values()) if (starts[type.service] !== 'start') starts[type.service] = options.from
  return starts
}

interface Known {
  readonly start: 'start' | 'now'
  /** Everything below has been removed. */
  readonly first: number
}

async function knownStreams(tx: ReadTx): Promise<Map<string, Known>> {
  const rows = await tx.all<Known & { stream: string }>(
    'select stream, start, first from skerry_inbox_stream order by stream',
  )
  return new Map(rows.map((row) => [row.stream, row]))
}

/** A subscription that comes later gets a stream from its start only while the inbox has all of it. */
async function refuseLateStarts(
  tx: ReadTx,
  service: AnyService,
  known: ReadonlyMap<string, Known>,
  engine: string,
): Promise<void> {
  for (const { name, options, handlers } of service.subscriptions.values()) {
    const subscription = `${service.name}/${name}`
    // The recorded definition counts, as everywhere.
    const [recorded] = await tx.all<{ start: string }>(
      'select start from skerry_subscription where name = ?',
      subscription,
    )
    if ((recorded?.start ?? options.from) !== 'start') continue
    for (const stream of new Set([...handlers.values()].map(({ type }) => type.service))) {
      const inbox = known.get(stream)
      if (!inbox || (inbox.first === 0 && inbox.start === 'start')) continue
      const places = await tx.all(
        'select 1 from skerry_position where subscription = ? and stream = ? limit 1',
        subscription,
        stream,
      )
      if (places.length > 0) continue
      throw new SkerryError(
        'capability_absent',
        `${subscription} wants ${stream} from the start, which needs replay: ${engine} does not give it, and the inbox of ` +
          `${service.name} has handed its beginning on already; subscribe from 'now', or use an engine that replays`,
      )
    }
  }
}
