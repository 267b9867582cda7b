import type { BusStatus } from '../bus/bus.ts'
import { codeOf, messageOf } from '../errors.ts'
import { lagOf, type StoreStatus, type SubscriptionStatus, storeStatus } from '../flow/status.ts'
import type { Command, Invocation } from './command.ts'
import { exits } from './failure.ts'
import { bytes, count, type Output } from './output.ts'
import { atSite, type Site } from './site.ts'

export const status: Command = {
  name: 'status',
  usage: 'status',
  summary: 'show streams, subscriptions, processes, dead letters and disk',
  options: {},
  takes: [0, 0],
  run: runStatus,
}

/** What could not be looked at says why; the rest is shown. */
type Looked<T> = T | { readonly error: { readonly code: string; readonly message: string } }

type ServiceStatus = { readonly service: string; readonly diskBytes: number } & Looked<StoreStatus>

async function runStatus({ engine, out }: Invocation): Promise<number> {
  return atSite(engine, async (site) => {
    const bus = await look(async () => (await site.bus()).status())
    const services: ServiceStatus[] = []
    for (const service of await site.services())
      services.push({
        service,
        diskBytes: await site.bytesOf(service).catch(() => 0),
        ...(await look(() => lookAt(site, service))),
      })
    if (out.json)
      await out.data({ bus: 'error' in bus ? bus : busFigures(bus), services: services.map((s) => withLag(s, bus)) })
    else {
      await showBus(bus, out)
      for (const one of services) await showService(one, bus, out)
    }
    return 'error' in bus || services.some((one) => 'error' in one) ? exits.failed : exits.fine
  })
}

async function look<T>(at: () => Promise<T>): Promise<Looked<T>> {
  try {
    return await at()
  } catch (error) {
    return { error: { code: codeOf(error), message: messageOf(error) } }
  }
}

async function lookAt(site: Site, service: string): Promise<StoreStatus> {
  const store = await site.store(service)
  const moment = await site.moment(store)
  return store.read((tx) => storeStatus(tx, moment))
}

function busFigures(bus: BusStatus) {
  // While nobody else is there, the one who looks is the writer: that says nothing.
  const writer = bus.writer?.pid === process.pid ? undefined : bus.writer
  const limit = Number.isFinite(bus.diskLimitBytes) ? bus.diskLimitBytes : undefined
  return { ...bus, writer: writer ?? null, diskLimitBytes: limit ?? null }
}

function withLag(one: ServiceStatus, bus: Looked<BusStatus>) {
  if ('error' in one) return one
  return {
    ...one,
    subscriptions: one.subscriptions.map((s) => ({ ...s, lag: lag(s, bus), streams: streamsOf(s, bus) })),
  }
}

function streamsOf(subscription: SubscriptionStatus, bus: Looked<BusStatus>) {
  const known = 'error' in bus ? [] : bus.streams
  return subscription.streams.map((place) => ({
    ...place,
    lag: lagOf(
      place.position,
      known.find((s) => s.stream === place.stream),
    ),
  }))
}

const lag = (subscription: SubscriptionStatus, bus: Looked<BusStatus>): number =>
  streamsOf(subscription, bus).reduce((sum, place) => sum + place.lag, 0)

async function showBus(looked: Looked<BusStatus>, out: Output): Promise<void> {
  if ('error' in looked) return out.line(`bus: ${looked.error.code}: ${looked.error.message}`)
  const bus = busFigures(looked)
  // Servers are written by every process, and say so by naming none.
  const embedded = bus.engine === 'sqlite' ? 'no process at work' : 'answers'
  const writer = bus.writer
    ? `written by process ${bus.writer.pid}${bus.writer.answering ? '' : out.style('red', ', which does not answer')}`
    : embedded
  const limit = bus.diskLimitBytes === null ? '' : ` of ${bytes(bus.diskLimitBytes)}`
  const jumps = bus.clockJumps > 0 ? `, ${bus.clockJumps} clock jumps` : ''
  await out.line(`bus ${bus.engine}: ${writer}, ${bytes(bus.diskBytes)}${limit}, next position ${bus.head}${jumps}`)
  await out.table(
    ['stream', 'events', 'size', 'first', 'next'],
    bus.streams.map((s) => [s.stream, s.events, bytes(s.bytes), s.first, s.next]),
  )
}

async function showService(one: ServiceStatus, bus: Looked<BusStatus>, out: Output): Promise<void> {
  await out.line('')
  if ('error' in one) return out.line(`${one.service}: ${one.error.code}: ${one.error.message}`)
  const pids = one.processes.map((process) => process.pid)
  const processes = pids.length > 0 ? `processes ${pids.join(', ')}` : 'not running'
  const outbox = one.outbox > 0 ? `, ${count(one.outbox)} events wait for the bus` : ''
  await out.line(`${out.style('bold', one.service)}: ${processes}, ${bytes(one.diskBytes)}${outbox}`)
  if (one.sources.length > 0)
    await out.table(
      ['source', 'received', 'duplicates', 'ignored', 'dead letters'],
      one.sources.map((s) => [s.source, s.received, s.duplicates, s.ignored, s.deadLetters]),
    )
  if (one.subscriptions.length === 0) return
  await out.table(
    [
      'subscription',
      'state',
      'lag',
      'listened',
      'in flight',
      'handled',
      'retrying',
      'delayed',
      'waiting keys',
      'parked keys',
      'unknown versions',
      'dead letters',
    ],
    one.subscriptions.map((s) => [
      s.subscription,
      stateOf(s),
      lag(s, bus),
      ...[s.listened, s.inFlight, s.handled, s.retrying, s.delayed, s.waitingKeys, s.parkedKeys, s.unknownVersions],
      s.deadLetters,
    ]),
  )
}

function stateOf(s: SubscriptionStatus): string {
  if (s.paused) return 'paused'
  if (s.circuit !== 'closed') return `circuit ${s.circuit}`
  return s.processes > 0 ? 'running' : 'stopped'
}
