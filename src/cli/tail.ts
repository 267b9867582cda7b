import type { Bus } from '../bus/bus.ts'
import { toStructured } from '../cloudevents.ts'
import { messageOf } from '../errors.ts'
import type { Delivery, Position } from '../event.ts'
import { pause, systemClock } from '../time.ts'
import { wholeNumber } from './arguments.ts'
import type { Command, Invocation } from './command.ts'
import { exits, missing, UsageError } from './failure.ts'
import type { Output } from './output.ts'
import { atSite } from './site.ts'

export const tail: Command = {
  name: 'tail',
  usage: 'tail [STREAM…] [--from start|now|POSITION] [--follow] [--limit N]',
  summary: 'print events, one CloudEvent in JSON on each line, in the order of the bus',
  options: {
    from: { type: 'string', value: 'WHERE', help: 'start, now, or a position of the bus (default start)' },
    follow: { type: 'boolean', short: 'f', help: 'go on with what is published from now on' },
    limit: { type: 'string', value: 'N', help: 'stop after so many events' },
  },
  takes: [0, Number.POSITIVE_INFINITY],
  run: runTail,
}

/** How often to look for streams that are new. */
const lookMs = 500

async function runTail({ positionals, values, engine, app, out }: Invocation): Promise<number> {
  const from = checkFrom(values.from ?? 'start')
  const limit = wholeNumber(values, 'limit', 1) ?? Number.POSITIVE_INFINITY
  const follow = values.follow === true
  return atSite(engine, async (site) => {
    const bus = await site.bus()
    const stop = new AbortController()
    const end = (): void => stop.abort()
    process.once('SIGINT', end).once('SIGTERM', end)
    const printer = new Printer(out, app, limit)
    try {
      if (!follow) await refuseUnknown(bus, positionals)
      await tailOn(bus, { streams: positionals, from, follow, signal: stop.signal }, printer)
      return printer.skipped > 0 ? exits.partly : exits.fine
    } finally {
      process.off('SIGINT', end).off('SIGTERM', end)
    }
  })
}

interface Tailing {
  /** Empty for all. */
  readonly streams: readonly string[]
  readonly from: 'start' | 'now' | Position
  readonly follow: boolean
  readonly signal: AbortSignal
}

async function tailOn(bus: Bus, { streams, from, follow, signal }: Tailing, printer: Printer): Promise<void> {
  let at = from === 'now' ? await bus.head() : from === 'start' ? 0 : from
  while (!signal.aborted && printer.open) {
    const head = await bus.head()
    const there = (await bus.status()).streams.filter((s) => streams.length === 0 || streams.includes(s.stream))
    const first = (oldest: Position): Position => (from === 'start' ? Math.max(at, oldest) : at)
    const readers = there.map((s) => events(bus, s.stream, first(s.first), head))
    for await (const delivery of merged(readers)) {
      if (signal.aborted || !printer.open) break
      await printer.print(delivery)
    }
    at = Math.max(at, head)
    if (!follow) return
    if (printer.open)
      await change(
        bus,
        there.map((s) => s.stream),
        at,
        signal,
      )
  }
}

/** Resolves when there may be more. */
async function change(bus: Bus, streams: readonly string[], at: Position, signal: AbortSignal): Promise<void> {
  const wake = new AbortController()
  const stops = streams.map((stream) => bus.watch(stream, () => wake.abort()))
  if ((await bus.head()) === at) await pause(systemClock, lookMs, AbortSignal.any([signal, wake.signal]))
  for (const stop of stops) stop()
}

async function* events(bus: Bus, stream: string, from: Position, until: Position): AsyncGenerator<Delivery> {
  for (let at = from; at < until; ) {
    const chunk = await bus.read(stream, at, { events: 500, bytes: 512 * 1024 })
    for (const delivery of chunk.events) if (delivery.position < until) yield delivery
    if (chunk.events.length === 0 && chunk.next <= at) return
    at = chunk.next
  }
}

/** Of several streams one, in the order of positions. */
async function* merged(readers: readonly AsyncGenerator<Delivery>[]): AsyncGenerator<Delivery> {
  const heads: { reader: AsyncGenerator<Delivery>; head: Delivery }[] = []
  for (const reader of readers) {
    const next = await reader.next()
    if (!next.done) heads.push({ reader, head: next.value })
  }
  while (heads.length > 0) {
    const first = heads.reduce((a, b) => (b.head.position < a.head.position ? b : a))
    yield first.head
    const next = await first.reader.next()
    if (next.done) heads.splice(heads.indexOf(first), 1)
    else first.head = next.value
  }
}

class Printer {
  skipped = 0
  readonly #out: Output
  readonly #app: string
  #left: number

  constructor(out: Output, app: string, limit: number) {
    this.#out = out
    this.#app = app
    this.#left = limit
  }

  get open(): boolean {
    return this.#left > 0 && this.#out.open
  }

  async print(delivery: Delivery): Promise<void> {
    this.#left--
    let line: string
    try {
      line = toStructured(delivery, this.#app)
    } catch (error) {
      this.skipped++
      this.#out.note(
        `skerry: ${delivery.stream} at ${delivery.position}: cannot be told as a CloudEvent: ${messageOf(error)}`,
      )
      return
    }
    await this.#out.line(line)
  }
}

function checkFrom(given: string | true): Tailing['from'] {
  if (given === 'start' || given === 'now') return given
  if (/^\d{1,15}$/.test(String(given))) return Number(given)
  throw new UsageError(`--from ${given}: give start, now, or a position such as 1200`)
}

async function refuseUnknown(bus: Bus, streams: readonly string[]): Promise<void> {
  const known = (await bus.status()).streams.map((s) => s.stream)
  for (const stream of streams)
    if (!known.includes(stream)) throw missing('stream', stream, known, 'Wait for it to begin with --follow')
}
