import { AckPolicy, type ConsumerConfig, DeliverPolicy, type JetStreamManager, ReplayPolicy } from '@nats-io/jetstream'
import { createInbox, type Msg, nanos } from '@nats-io/transport-node'
import { SkerryError } from '../../errors.ts'
import type { Link } from './link.ts'

export interface Scanned {
  readonly sequence: number
  readonly subject: string
  readonly message: Msg
  /** When the server stored it, in milliseconds since 1970. */
  readonly at: number
}

export interface ScanRange {
  readonly stream: string
  readonly filter: string
  readonly start: number
  readonly headersOnly?: boolean
}

const batch = 500
const batchBytes = 1024 * 1024
/** The server forgets a consumer of ours that nobody has asked for so long. */
const forgottenMs = 60_000

/** A consumer that keeps no state on the server worth a name: whoever reads knows where it is. */
export function ephemeral(filter: string, start: number, headersOnly = false): Partial<ConsumerConfig> {
  return {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: Math.max(1, start),
    replay_policy: ReplayPolicy.Instant,
    filter_subject: filter,
    inactive_threshold: nanos(forgottenMs),
    mem_storage: true,
    num_replicas: 1,
    ...(headersOnly && { headers_only: true }),
  }
}

/** Asks a consumer for messages; they come to `inbox`, at most so many, for so long. */
export function pull(
  link: Link,
  consumer: { readonly stream: string; readonly name: string },
  inbox: string,
  request: Readonly<Record<string, unknown>>,
): void {
  link.connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${consumer.stream}.${consumer.name}`, JSON.stringify(request), {
    reply: inbox,
  })
}

/** What the server says of a message in its reply subject: `$JS.ACK.…`, with two more parts on newer servers. */
export function delivered(message: Msg): {
  readonly sequence: number
  readonly number: number
  readonly at: number
  readonly pending: number
} {
  const parts = (message.reply ?? '').split('.')
  const at = parts.length > 9 ? 7 : 5
  const [sequence, number, time, pending] = parts.slice(at, at + 4).map(Number)
  return { sequence: sequence ?? 0, number: number ?? 0, at: (time ?? 0) / 1e6, pending: pending ?? 0 }
}

export const isStatus = (message: Msg): boolean => message.data.length === 0 && (message.headers?.code ?? 0) > 0

/** Walks through a range once. Begins again where it was when the connection is interrupted. */
export async function scan(
  link: Link,
  jsm: JetStreamManager,
  range: ScanRange,
  visit: (message: Scanned) => boolean | undefined,
): Promise<void> {
  let start = range.start
  await link.ask(async () => {
    const info = await jsm.consumers.add(range.stream, ephemeral(range.filter, start, range.headersOnly))
    let pending = info.num_pending
    try {
      while (pending > 0)
        pending = await onePull(link, info.stream_name, info.name, (scanned) => {
          start = scanned.sequence + 1
          return visit(scanned)
        })
    } finally {
      await jsm.consumers.delete(range.stream, info.name).catch(() => {})
    }
  })
}

/** One batch; resolves with how many messages there still are. */
function onePull(
  link: Link,
  stream: string,
  name: string,
  visit: (message: Scanned) => boolean | undefined,
): Promise<number> {
  const inbox = createInbox()
  return new Promise((resolve, reject) => {
    let left = batch
    let pending = 0
    const end = (error?: Error): void => {
      subscription.unsubscribe()
      if (error) reject(error)
      else resolve(pending)
    }
    const subscription = link.connection.subscribe(inbox, {
      timeout: link.answerMs,
      callback: (error, message) => {
        if (error) return end(error)
        // No message, or none that fits into this batch any more: the next pull tells.
        if (isStatus(message)) return left === batch ? end(refused(link, message)) : end()
        const told = delivered(message)
        pending = told.pending
        if (visit({ ...told, subject: message.subject, message }) === false) {
          pending = 0
          return end()
        }
        if (--left === 0 || pending === 0) end()
      },
    })
    pull(link, { stream, name }, inbox, { batch, max_bytes: batchBytes * 8, no_wait: true })
  })
}

function refused(link: Link, message: Msg): Error | undefined {
  // 404: what was pending has gone meanwhile.
  if (message.headers?.code === 404) return undefined
  return new SkerryError('unavailable', `${link.where}: reading was refused: ${message.headers?.description}`)
}
