import type { AnyEvent } from '../../contract.ts'
import type { Delivery } from '../../event.ts'
import type { Handler } from '../../flow/handler.ts'
import type { AnyService, SubscriptionDefinition } from '../../service.ts'
import type { ObservedDatabase } from '../../store/sqlite/observed/database.ts'
import { handledBy } from './calls.ts'
import type { Remembering } from './remembering.ts'

/** A service with its store. */
export interface Unit {
  readonly service: AnyService
  readonly db: ObservedDatabase
  /** Absent where the service declares no memory. */
  readonly remembering: Remembering | undefined
}

/** Whoever handles events of one type: a handler within its subscription. */
export interface Place {
  readonly unit: Unit
  /** `orders/charge`. */
  readonly reader: string
  readonly subscription: SubscriptionDefinition
  readonly type: AnyEvent
  readonly handler: Handler
}

/** One event on its way to one handler. */
export interface Job extends Place {
  readonly delivery: Delivery
}

/** Names one event within one subscription. */
export function nameOf({ reader, delivery }: Pick<Job, 'reader' | 'delivery'>): string {
  return `${reader} ${delivery.stream} ${delivery.record.id}`
}

/** All handlers of a service, calls that change something included. */
export function placesOf(unit: Unit): Place[] {
  return handledBy(unit.service).map((handled) => {
    const reader = `${unit.service.name}/${handled.subscription.name}`
    return { unit, reader, ...handled }
  })
}

/** Whether publish order binds two events of one reader. */
export function inOrder(a: Job, b: Job): boolean {
  return (
    a.reader === b.reader &&
    a.subscription.options.order === 'key' &&
    a.delivery.stream === b.delivery.stream &&
    a.delivery.record.key === b.delivery.record.key
  )
}
