import { SkerryError } from '../errors.ts'
import type { Delivery } from '../event.ts'
import type { Sampler, Trace } from '../independence/measure/sampler.ts'
import type { ReadTx, Row, Rows, Store } from '../store/store.ts'
import type { Clock } from '../time.ts'
import { type Caller, Calling } from './calling.ts'
import type { PrepareContext, Sql } from './handler.ts'
import { defaultKeyLifetimeMs, once } from './once.ts'
import { receive } from './received.ts'
import type { Work } from './state.ts'

/** Runs the first step of a handler that has one. Its result must be data: what cannot be cloned is refused. */
export async function prepare(
  store: Store,
  clock: Clock,
  work: Work,
  signal: AbortSignal,
  caller: Caller,
  sampler?: Sampler,
): Promise<unknown> {
  if (work.task.kind !== 'handle' || !work.task.handler.prepare) return undefined
  const event = receive(work.task.type, work.delivery, work.tries.attempts + 1)
  const ctx = prepareContext(store, clock, {
    subscription: work.share.reader.id,
    delivery: work.delivery,
    signal,
    caller,
    deadline: undefined,
    trace: sampler?.preparing(work),
    onOnce: () => {
      work.usedOnce = true
    },
  })
  const prepared = await work.task.handler.prepare(ctx, event)
  try {
    return structuredClone(prepared)
  } catch (cause) {
    throw new SkerryError('terminal', `${work.share.reader.id}: what prepare returns must be data that can be cloned`, {
      cause,
    })
  }
}

/** Whose step it is: an event's in a subscription, or a call's. */
export interface Preparing {
  readonly subscription: string
  readonly delivery: Delivery
  readonly signal: AbortSignal
  readonly caller: Caller
  /** When whoever waits for the step gives up: monotonic, in milliseconds. */
  readonly deadline: number | undefined
  readonly trace?: Trace | undefined
  /** Told when `once` was used. */
  readonly onOnce: () => void
}

export function prepareContext(store: Store, clock: Clock, preparing: Preparing): PrepareContext {
  const { subscription, delivery, signal, trace, onOnce } = preparing
  const calling = new Calling(store, clock, { ...preparing, from: serviceOf(subscription) })
  const query = (tx: ReadTx, template: TemplateStringsArray, values: readonly unknown[]): Promise<Rows<Row>> => {
    trace?.statement(template, values)
    return tx.query(template, values)
  }
  const sql = ((template: TemplateStringsArray, ...values: unknown[]) =>
    store.read((tx) => query(tx, template, values))) as Sql
  return {
    sql,
    snapshot: (read) =>
      store.read((tx) =>
        read({
          sql: ((template: TemplateStringsArray, ...values: unknown[]) => query(tx, template, values)) as Sql,
        }),
      ),
    outside: (_name, ask) => ask(signal),
    once: (name, act, options) => {
      onOnce()
      return once(store, clock, {
        subscription,
        delivery,
        name,
        keyLifetimeMs: options?.keyLifetimeMs ?? defaultKeyLifetimeMs,
        act: (key) => act(key, signal),
      })
    },
    call: (type, input, options) => calling.call(type, input, options) as never,
    now: () => new Date(delivery.record.time),
    signal,
  }
}

/** Of `orders/charge`, and of the call `orders.place`. */
const serviceOf = (subscription: string): string => subscription.split(/[/.]/, 1)[0] as string
