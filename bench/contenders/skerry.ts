/** What the Skerry contenders share: the contract of the workload, and a backlog to work off. */
import { join } from 'node:path'
import { type App, contract, event, type Service, type StartOptions, start, systemClock, type Watcher } from 'skerry'
import { z } from 'zod'
import type { Bus } from '../../src/bus/bus.ts'
import { keepHeapSmall } from '../../src/cli/heap.ts'
import { openBus } from '../../src/engines.ts'
import type { AnyService } from '../../src/service.ts'
import { nowUs } from '../clock.ts'
import { metronome } from '../metronome.ts'
import type { Run } from '../types.ts'
import { indexOf, type Payload, payload, Tally } from '../workload.ts'
import { engineOf, placesOf } from './places.ts'

// Every contender of Skerry's runs as `skerry run` runs a service.
keepHeapSmall()

const Body = z.object({ id: z.string(), key: z.string(), pad: z.string() })

export const Load = contract('load', { events: { given: event({ data: Body, key: (d) => d.key }) } })
export const Out = contract('out', { events: { emitted: event({ data: Body, key: (d) => d.key }) } })

export function optionsOf(run: Run): StartOptions {
  return { dir: join(run.folder, 'data'), ...placesOf(run), durability: run.durability === 'FULL' ? 'full' : 'normal' }
}

export function busFile(run: Run): string {
  return join(run.folder, 'data', 'bus.db')
}

/**
 * Starts services, and refuses to measure when the embedded bus is not written by the process that the scenario means.
 * On servers nobody is the writer.
 */
export async function startAs(
  role: 'leading' | 'following',
  services: Parameters<typeof start>[0],
  options: StartOptions,
): Promise<App> {
  let seen = 'nothing'
  const watcher: Watcher = (fact) => {
    if (fact.kind === 'writer') seen = fact.role
    options.watcher?.(fact)
  }
  const app = await start(services, { ...options, watcher })
  if (options.bus !== undefined) return app
  if (seen === role) return app
  await app.stop()
  throw new Error(`this process should be ${role}, and is ${seen}: another process has the bus file`)
}

/** Publishes the workload's events before anything is timed. */
export async function fill(run: Run): Promise<void> {
  const app = await start([], { ...optionsOf(run), durability: 'normal' })
  await publishAll(app, run.events, 512)
  await app.stop()
}

/** Publishes the events from `first` on and before `events`, with so many in flight. */
export async function publishAll(app: App, events: number, inFlight: number, first = 0): Promise<void> {
  let index = first
  const lane = async (): Promise<void> => {
    while (index < events) await app.publish(Load.given, payload(index++))
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
}

/** Publishes at the rate of the run. `sent` holds when each event was due to leave, by index. */
export async function publishPaced(app: App, run: Run): Promise<{ started: number; sent: Float64Array }> {
  const sent = new Float64Array(run.events)
  const publishes: Promise<unknown>[] = []
  const started = nowUs()
  await metronome(run.perSecond, run.events, ({ index, sentUs }) => {
    sent[index] = sentUs
    publishes.push(app.publish(Load.given, payload(index)))
  })
  await Promise.all(publishes)
  return { started, sent }
}

/** The bus of the run, without a service. */
export function openBusOf(run: Run, durability: Run['durability'] = run.durability): Promise<Bus> {
  return openBus({ ...optionsOf({ ...run, durability }), clock: systemClock })
}

/** Counts what is on the bus, event by event. For engines that keep a log. */
export async function tallyOf(run: Run, stream: string): Promise<Tally> {
  const bus = await openBusOf(run)
  const tally = new Tally(run.events)
  try {
    for (let from = 0; ; ) {
      const chunk = await bus.read(stream, from, { events: 1000, bytes: 1e7 })
      for (const { record } of chunk.events) tally.add(indexOf((JSON.parse(record.data) as Payload).id))
      if (chunk.events.length === 0) return tally
      from = chunk.next
    }
  } finally {
    await bus.close()
  }
}

export type AnyOut = Service<'out'>

/** How many events the store of a service says it has handled. */
export async function handledBy(app: App, sink: AnyService): Promise<number> {
  const [row] = await app.read(sink, (tx) =>
    tx.all<{ handled: number }>("select sum(value) as handled from skerry_counter where name = 'handled'"),
  )
  return Number(row?.handled)
}

/** How many effects the store of `out` holds, over all keys. */
export async function changesIn(app: App, out: AnyOut): Promise<number> {
  const [row] = await app.read(out, (tx) => tx.sql`select sum(handled) as handled from account`)
  return Number(row?.handled)
}

/** One row a key, made beforehand, as every contender's state has it. */
export const accounts = accountsWith('integer not null) strict, without rowid')

/** The same, where the run's store is. */
export function accountsOf(run: Run): typeof accounts {
  return engineOf(run) === 'postgres' ? accountsWith('bigint not null)') : accounts
}

function accountsWith(ending: string) {
  return [
    {
      number: 1,
      name: 'account',
      additive: true,
      sql: `
        create table account (key text primary key, handled ${ending};
        insert into account with recursive n (i) as (select 0 union all select i + 1 from n where i < 999)
          select 'k' || substr(cast(10000 + i as text), 2), 0 from n;`,
    },
  ]
}
