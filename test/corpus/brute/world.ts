import { info } from '../../../src/contract.ts'
import { codeOf, messageOf } from '../../../src/errors.ts'
import { type Delivery, defaultMaxEventBytes, type EventRecord } from '../../../src/event.ts'
import { Attempting } from '../../../src/flow/context.ts'
import type { HandleContext, Handler, PrepareContext, Sql } from '../../../src/flow/handler.ts'
import { receive } from '../../../src/flow/received.ts'
import { decideRetry, defaultRetry, freeConflicts } from '../../../src/flow/retry.ts'
import type { HandlerEntry } from '../../../src/flow/state.ts'
import { derivedId } from '../../../src/ids.ts'
import type { Remembered } from '../../../src/memories.ts'
import type { AnyService } from '../../../src/service.ts'
import type { Checks } from '../checks.ts'
import { MemoryStore, type Rows } from './store.ts'

/** Called before each thing that a handler does; what it throws is thrown there. */
export type Step = 'prepare' | 'handle' | 'statement'
export type Before = (step: Step) => Promise<void> | void

/** One event on its way to one subscription, in one process. */
export interface Task {
  readonly delivery: Delivery
  readonly subscription: string
  readonly entry: HandlerEntry
  readonly instance: number
}

export type Result =
  | { readonly kind: 'handled' }
  | { readonly kind: 'again' | 'later' | 'dead'; readonly message: string }

interface Effect {
  readonly event: string
  readonly what: string
}

/** What can be seen of a service after a run. Events are named by id. */
export interface Observed {
  readonly rows: Rows
  readonly emitted: readonly EventRecord[]
  readonly effects: readonly Effect[]
  readonly outcomes: ReadonlyMap<string, string>
}

const nothing = new AbortController().signal

/** One service with its store, its processes' memory and its outside world; everything in it can be had back. */
export class World {
  readonly service: AnyService
  readonly checks: Checks
  readonly store: MemoryStore
  readonly remembers: boolean
  /** Tries at handling an event so far, in vain or not. */
  deliveries = 0
  #emitted: EventRecord[] = []
  #effects: Effect[] = []
  #outcomes = new Map<string, string>()
  #once = new Set<string>()
  #touched = new Set<string>()
  /** By instance. */
  #instances: Remembered[]

  constructor(service: AnyService, checks: Checks, store: MemoryStore) {
    this.service = service
    this.checks = checks
    this.store = store
    this.remembers = service.memories.declared
    this.#instances = [service.memories.fresh(), service.memories.fresh()]
  }

  static async open(service: AnyService, checks: Checks): Promise<World> {
    return new World(service, checks, await MemoryStore.open(service, checks.opaque ?? []))
  }

  tasks(delivery: Delivery, instance: number): Task[] {
    const label = `${delivery.stream}.${delivery.record.type}`
    return [...this.service.subscriptions.values()].flatMap(({ name, handlers }) => {
      const entry = handlers.get(label)
      return entry ? [{ delivery, subscription: `${this.service.name}/${name}`, entry, instance }] : []
    })
  }

  /** Both steps, as often as a stale version asks for it. */
  async run(task: Task, before: Before = () => {}): Promise<Result> {
    for (let reruns = 0; ; reruns++) {
      const result = await this.#attempt(task, reruns, before)
      this.#outcomes.set(name(task), result.kind === 'handled' || result.kind === 'dead' ? result.kind : 'failing')
      if (result.kind !== 'again' || reruns > freeConflicts) return result
    }
  }

  async #attempt(task: Task, reruns: number, before: Before): Promise<Result> {
    try {
      const prepared = await this.prepare(task, before)
      await this.handle(task, prepared, before, 'keep')
      return { kind: 'handled' }
    } catch (error) {
      const decision = decideRetry(error, 0, reruns, defaultRetry, () => 0)
      const message = messageOf(error)
      if (decision.kind === 'dead') return { kind: 'dead', message }
      return { kind: codeOf(error) === 'version_conflict' ? 'again' : 'later', message }
    }
  }

  async prepare({ delivery, entry, subscription, instance }: Task, before: Before = () => {}): Promise<unknown> {
    this.deliveries++
    const handler: Handler = entry.handler
    if (!handler.prepare) return undefined
    const event = receive(entry.type, delivery, 1)
    const { prepare } = this.service.memories.bind(handler, this.#instance(instance))
    return structuredClone(await prepare?.(this.#preparing(delivery, subscription, before), event))
  }

  /** With `undo` the transaction is rolled back after the handler ran whole, as when its batch could not be committed. */
  async handle(task: Task, prepared: unknown, before: Before, end: 'keep' | 'undo'): Promise<void> {
    await before('handle')
    const tx = this.store.transaction()
    await tx.savepoint()
    const attempting = new Attempting(tx, task.delivery, task.subscription, defaultMaxEventBytes)
    try {
      const event = receive(task.entry.type, task.delivery, 1)
      const { handle } = this.service.memories.bind(task.entry.handler, this.#instance(task.instance))
      await handle(watched(attempting.context(), before, this.#touched), event, structuredClone(prepared))
      await before('statement')
      if (attempting.doom !== undefined) throw attempting.doom
    } catch (error) {
      await tx.rollback()
      throw attempting.doom ?? error
    } finally {
      attempting.end('its handler ended')
    }
    await (end === 'keep' ? tx.release() : tx.rollback())
    if (end === 'keep') this.#emitted.push(...attempting.emitted)
  }

  /** The process ends: its memory is gone, and what `once` wrote down is not. */
  crash(instance: number): void {
    this.#instances = this.#instances.with(instance, this.service.memories.fresh())
  }

  observe(): Observed {
    const outcomes = new Map(this.#outcomes)
    return { rows: this.store.rows(), emitted: [...this.#emitted], effects: [...this.#effects], outcomes }
  }

  /** Texts of the statements that ran since the last call. */
  statements(): Set<string> {
    const seen = this.#touched
    this.#touched = new Set()
    return seen
  }

  brokenInvariants(): string[] {
    const own = Object.entries(this.checks.invariants?.[this.service.name] ?? {})
    return own.filter(([, sql]) => !this.store.holds(sql)).map(([name]) => name)
  }

  mark(): { back(): void; drop(): void } {
    const rows = this.store.mark()
    const memory = structuredClone(this.#instances)
    const [emitted, effects, outcomes, once] = [this.#emitted, this.#effects, this.#outcomes, this.#once]
    const restore = (): void => {
      this.#instances = structuredClone(memory)
      this.#emitted = [...emitted]
      this.#effects = [...effects]
      this.#outcomes = new Map(outcomes)
      this.#once = new Set(once)
    }
    restore()
    const undo = (how: () => void) => () => {
      how()
      restore()
    }
    return { back: undo(rows.back), drop: undo(rows.drop) }
  }

  close(): void {
    this.store.close()
  }

  #instance(which: number): Remembered {
    return this.#instances[which] as Remembered
  }

  #preparing(delivery: Delivery, subscription: string, before: Before): PrepareContext {
    const reading = this.store.reading()
    const read = ((template: TemplateStringsArray, ...values: unknown[]) => {
      this.#touched.add(template.join('?'))
      return reading.query(template, values)
    }) as Sql
    const answer = async (name: string, key: string | undefined): Promise<never> => {
      await before('prepare')
      const work = this.checks.outside?.[name]
      if (!work) throw new Error(`no answer for '${name}' in checks.outside`)
      const done = key !== undefined && this.#once.has(key)
      if (key !== undefined) this.#once.add(key)
      if (work.effect && !done) this.#effects.push({ event: delivery.record.id, what: name })
      return work.answer as never
    }
    // With memory it matters that a result is there before the handler goes on with it.
    const asked = async <T>(work: () => Promise<T>): Promise<T> => {
      await before('prepare')
      const result = await work()
      if (this.remembers) await before('prepare')
      return result
    }
    return {
      sql: ((template: TemplateStringsArray, ...values: unknown[]) => asked(() => read(template, ...values))) as Sql,
      snapshot: (work) => asked(() => work({ sql: read })),
      outside: (name) => answer(name, undefined),
      once: (name) => answer(name, derivedId(delivery.stream, delivery.record.id, subscription, name)),
      call: ({ label }) => Promise.reject(new Error(`no program of the corpus calls ${label}`)),
      now: () => new Date(delivery.record.time),
      signal: nothing,
    }
  }
}

/** The context of a handler, with a word before each thing that it does. */
function watched(tx: HandleContext, before: Before, touched: Set<string>): HandleContext {
  const tell = (sql: Sql): Sql =>
    (async (template: TemplateStringsArray, ...values: unknown[]) => {
      touched.add(template.join('?'))
      await before('statement')
      return sql(template, ...values)
    }) as Sql
  return {
    ...{ sql: tell(tx.sql), versioned: tell(tx.versioned), dialect: tx.dialect },
    ...{ cancel: tx.cancel, send: tx.send, id: tx.id, random: tx.random, now: tx.now },
    publish: async (type, data, options) => {
      await before('statement')
      return tx.publish(type, data, options)
    },
    get signal() {
      return tx.signal
    },
  }
}

export function name({ delivery, subscription }: Task): string {
  return `${subscription} ${delivery.record.id}`
}

/** Every event type that some subscription of the service handles, by label. */
export function handledBy(service: AnyService): Map<string, HandlerEntry['type']> {
  const types = new Map<string, HandlerEntry['type']>()
  for (const { handlers } of service.subscriptions.values())
    for (const { type } of handlers.values()) types.set(type.label, type)
  return types
}

export function isService(value: unknown): value is AnyService {
  return (
    typeof value === 'object' &&
    value !== null &&
    'subscriptions' in value &&
    'contract' in value &&
    info in (value.contract as object)
  )
}
