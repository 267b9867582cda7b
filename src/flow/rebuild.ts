import type { Bus } from '../bus/bus.ts'
import { codeOf, SkerryError } from '../errors.ts'
import type { Position } from '../event.ts'
import type { Random } from '../ids.ts'
import type { AnyService, SubscriptionDefinition } from '../service.ts'
import type { Store, StoreTx } from '../store/store.ts'
import type { Clock } from '../time.ts'
import type { Handler } from './handler.ts'
import { outboxBacklog } from './outbox.ts'
import { retentionMarks } from './positions.ts'
import { Processor } from './processor.ts'
import { asItHappened } from './replay.ts'
import { settledOn } from './settled.ts'
import type { ProcessStatus } from './status.ts'

/**
 * Makes a projection anew: the log is handled again into a fresh store, whose tables then replace those of the live one in
 * one transaction. Nothing happens twice, since a projection emits nothing and touches nothing outside: a handler that
 * does so ends the rebuild.
 */
export interface Replaying {
  readonly service: AnyService
  /** A fresh store with the service's migrations. */
  readonly scratch: Store
  readonly bus: Bus
  readonly clock: Clock
  readonly random: Random
  readonly me: string
  readonly pid: number
  readonly maxEventBytes: number
  readonly onProgress?: (done: Position, head: Position) => void
}

export type Marks = Readonly<Record<string, Readonly<Record<string, Position>>>>

export interface Replayed {
  /** What must be kept on the bus, by subscription and stream. */
  readonly marks: Marks
  readonly handled: number
  readonly deadLetters: number
}

/** Throws `invalid_config` naming why a service cannot be made anew. */
export function refuseUnlessProjection(service: AnyService): void {
  const refuse = (why: string): never => {
    throw new SkerryError('invalid_config', `${service.name} cannot be rebuilt: ${why}`)
  }
  if (service.options.projection !== true)
    refuse(
      'it is not declared as a projection (projection: true), so what it emits and does outside would happen twice',
    )
  for (const { name, options } of service.subscriptions.values())
    if (options.from !== 'start')
      refuse(`its subscription ${name} began at 'now', and the log does not say when that was`)
}

const progressMs = 200

/** Handles the log up to its end into the scratch store. */
export async function replay(options: Replaying): Promise<Replayed> {
  const { service, scratch, bus, clock } = options
  refuseUnlessProjection(service)
  const harmless = withoutEffects(service)
  const view = asItHappened(bus, () => clock.wall())
  const processor = new Processor({ ...options, service: harmless.service, store: scratch, bus: view })
  const progress = watchProgress(processor, options)
  try {
    await processor.start()
    await Promise.race([settledOn(view, [{ store: scratch, processor }], clock), harmless.violated])
  } catch (error) {
    if (codeOf(error) !== 'position_lost') throw error
    throw new SkerryError('position_lost', `${service.name} cannot be rebuilt: the beginning of its log is gone`, {
      cause: error,
    })
  } finally {
    progress.end()
    await processor.stop(0)
  }
  return summary(options)
}

async function summary({ service, scratch }: Replaying): Promise<Replayed> {
  return scratch.read(async (tx) => {
    const marks: Record<string, Record<string, Position>> = {}
    for (const name of service.subscriptions.keys()) {
      const subscription = `${service.name}/${name}`
      marks[subscription] = await retentionMarks(tx, subscription)
    }
    const [handled] = await tx.all<{ n: number }>(
      "select coalesce(sum(value), 0) as n from skerry_counter where name = 'handled'",
    )
    const [dead] = await tx.all<{ n: number }>('select count(*) as n from skerry_dead')
    return { marks, handled: handled?.n ?? 0, deadLetters: dead?.n ?? 0 }
  })
}

function watchProgress(processor: Processor, { bus, clock, onProgress }: Replaying): { end(): void } {
  const look = async (): Promise<void> => {
    const shares = processor.readers.flatMap((reader) => reader.shares)
    const places = shares.flatMap((share) => [...share.cursors.values()].map((cursor) => cursor.next))
    const head = await bus.head()
    if (places.length > 0) onProgress?.(Math.min(...places), head)
  }
  const again = (): void => {
    void look().catch(() => {})
    timer = clock.after(progressMs, again, { background: true })
  }
  let timer = clock.after(progressMs, again, { background: true })
  return { end: () => timer.cancel() }
}

/** The service, with handlers that may not touch anything but their tables; `violated` rejects when one tries. */
function withoutEffects(service: AnyService): { service: AnyService; violated: Promise<never> } {
  let reject: (error: SkerryError) => void = () => {}
  const violated = new Promise<never>((_, no) => (reject = no))
  // Nobody may be waiting for it yet.
  violated.catch(() => {})
  const subscriptions = new Map<string, SubscriptionDefinition>()
  for (const [name, definition] of service.subscriptions) {
    const handlers = new Map<string, { type: never; handler: Handler }>()
    for (const [label, { type, handler }] of definition.handlers) {
      const refuse = (what: string) => (): never => {
        const error = new SkerryError(
          'invalid_config',
          `${service.name} cannot be rebuilt: ${name} ${what} for ${label}, though it is declared as a projection`,
        )
        reject(error)
        throw new SkerryError('terminal', error.message)
      }
      handlers.set(label, { type: type as never, handler: confined(handler, refuse) })
    }
    subscriptions.set(name, { ...definition, handlers })
  }
  return { service: { ...service, subscriptions }, violated }
}

function confined(handler: Handler, refuse: (what: string) => () => never): Handler {
  const { prepare, handle } = handler
  const publish = { value: refuse('publishes') }
  const outside = { value: refuse('asks the outside world') }
  return {
    ...(prepare && {
      prepare: (ctx, event) => prepare(Object.create(ctx, { outside, once: outside, call: outside }), event),
    }),
    handle: (tx, event, prepared) =>
      handle(Object.create(tx, { publish, send: publish, cancel: publish }), event, prepared),
  }
}

/** Tables that say where a service is, which go with the ones that say what it made of that. */
const places = ['share', 'position', 'counter', 'exception', 'waiting', 'dead', 'once', 'journal', 'migration'] as const

export interface Swapping {
  readonly service: AnyService
  readonly live: Store
  readonly bus: Bus
  readonly marks: Marks
  /** Who serves the live store now. */
  readonly processes: () => Promise<readonly ProcessStatus[]>
  /** Replaces the service's tables by the rebuilt ones; resolves with the schema in which the bookkeeping of those can be read. */
  readonly adopt: (tx: StoreTx) => Promise<string>
}

/** Throws `subscription_taken` while the service runs: its processes hold places in memory that would be wrong. */
export async function refuseWhileServed({
  service,
  processes,
}: Pick<Swapping, 'service' | 'processes'>): Promise<void> {
  const pids = (await processes()).map((one) => one.pid)
  if (pids.length > 0)
    throw new SkerryError(
      'subscription_taken',
      `${service.name} runs in process ${pids.join(', ')}; stop it, rebuild, and start it again`,
    )
}

/** Puts the rebuilt tables and positions in the place of the live ones, all of it or nothing. */
export async function swapIn(options: Swapping): Promise<void> {
  const { live, bus, marks, adopt } = options
  await lowerMarks(bus, live.identity, marks)
  await live.write(async (tx) => {
    // Looked at under the store's lock: a process that comes later finds the new places.
    await refuseWhileServed(options)
    const unsent = await outboxBacklog(tx)
    if (unsent > 0)
      throw new SkerryError('invalid_config', `${options.service.name}: ${unsent} events wait in its outbox`)
    const rebuilt = await adopt(tx)
    for (const table of places) {
      await tx.run(`delete from skerry_${table}`)
      await tx.run(`insert into skerry_${table} select * from ${rebuilt}.skerry_${table}`)
    }
    // A paused subscription stays paused.
    await tx.run(`delete from skerry_subscription where name not in (select name from ${rebuilt}.skerry_subscription)`)
    await tx.run(
      `insert into skerry_subscription select * from ${rebuilt}.skerry_subscription
       where name not in (select name from skerry_subscription)`,
    )
    await tx.run("delete from skerry_meta where name in ('bus', 'incarnation')")
    await tx.run(`insert into skerry_meta select * from ${rebuilt}.skerry_meta where name in ('bus', 'incarnation')`)
  }, 'alone')
}

/**
 * Keys that came into trouble only now may begin below what the bus was told to be done with. A mark that is too low for
 * either state of the store is harmless; one that is too high would make the next start refuse the store.
 */
async function lowerMarks(bus: Bus, store: string, marks: Marks): Promise<void> {
  const { readers } = await bus.status()
  for (const [subscription, needed] of Object.entries(marks)) {
    const reader = readers.find((one) => one.subscription === subscription && one.store === store)
    if (!reader || !Object.entries(needed).some(([stream, mark]) => mark < (reader.marks[stream] ?? 0))) continue
    const lowest: Record<string, Position> = { ...reader.marks }
    for (const [stream, mark] of Object.entries(needed)) lowest[stream] = Math.min(mark, lowest[stream] ?? mark)
    await bus.forget(subscription)
    await bus.register({ subscription, store, marks: lowest })
  }
}
