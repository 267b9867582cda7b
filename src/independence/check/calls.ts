import { type AnyCall, Refusal } from '../../call.ts'
import type { AnyEvent, EventType } from '../../contract.ts'
import { messageOf, SkerryError } from '../../errors.ts'
import type { CallRequest, HandleContext, Handler, ReceivedEvent } from '../../flow/handler.ts'
import type { AnyService, CallDefinition, SubscriptionDefinition } from '../../service.ts'

/** A call that changes something, or an event: whatever a service handles as one transaction. */
export interface Handled {
  readonly subscription: SubscriptionDefinition
  readonly type: AnyEvent
  readonly handler: Handler
}

/** What a service handles: events by its subscriptions, and calls that are not read-only, as if they were events from outside. */
export function handledBy({ subscriptions, calls }: AnyService): Handled[] {
  const events = [...subscriptions.values()].flatMap((subscription) =>
    [...subscription.handlers.values()].map(({ type, handler }) => ({ subscription, type, handler })),
  )
  return [...events, ...[...calls.values()].filter(({ type }) => !type.readOnly).map(callHandled)]
}

/** The subscription that calls would come by, if they were events. */
const callsName = 'calls'

function callHandled(definition: CallDefinition): Handled {
  const { type, options } = definition
  const handlers: SubscriptionDefinition['handlers'] = new Map()
  return {
    subscription: { name: callsName, options: { ...options, from: 'start' }, handlers },
    type: eventOf(type),
    handler: handlerOf(definition, () => {}),
  }
}

const events = new WeakMap<AnyCall, AnyEvent>()

/** A call as an event of its own service, whose data is the input. */
export function eventOf(type: AnyCall): AnyEvent {
  const known = events.get(type)
  if (known) return known
  const { service, name, label } = type
  const made: EventType<string, string, unknown, unknown> = Object.freeze({
    ...{ kind: 'event' as const, service, name, version: 1, label, once: undefined },
    ...{ knows: () => true, keyOf: () => '', read: (_version: number, data: unknown) => data },
    jsonSchema: type.inputSchema,
    parse(input: unknown) {
      type.take(input)
      return input
    },
  })
  events.set(type, made)
  return made
}

/** What a call came to. */
export type Answer =
  | { readonly kind: 'answered'; readonly text: string }
  | { readonly kind: 'refused'; readonly refusal: Refusal }

/**
 * A call's handler as one of an event. `told` gets the answer. That it was refused, and why, is emitted, so that it is seen; what is
 * answered is not, for an answer that tells of a state differs whenever that does.
 */
export function handlerOf({ type, handler }: CallDefinition, told: (answer: Answer) => void, from?: string): Handler {
  const { prepare, handle } = handler
  return {
    written: handler,
    ...(prepare && { prepare: (ctx, event) => prepare(ctx, requestOf(type, event, from)) }),
    async handle(tx, event, prepared) {
      const output = type.give(await handle(tx as never, requestOf(type, event, from), prepared))
      told({ kind: 'answered', text: JSON.stringify(output) ?? 'null' })
    },
    instead(error) {
      if (!(error instanceof Refusal && error.call === type.label)) return undefined
      return async (tx) => {
        told({ kind: 'refused', refusal: error })
        if (from === undefined) await tellRefusal(tx, type, error)
      }
    },
  }
}

async function tellRefusal(tx: HandleContext, type: AnyCall, { reason }: Refusal): Promise<void> {
  const refused = { ...eventOf(type), name: `${type.name}__refused`, parse: (data: unknown) => data }
  await tx.publish(refused as never, { reason } as never)
}

const never = 8.64e15

export function requestOf(type: AnyCall, event: ReceivedEvent, from: string | undefined): CallRequest {
  const { id, time, attributes, data } = event
  return { ...{ id, from, key: id, time, attributes }, input: type.take(data), deadline: new Date(never) }
}

/** Throws `unauthorized` as the service would. */
export function refuseStranger({ label, from }: AnyCall, caller: string): void {
  if (from && !from.includes(caller)) throw new SkerryError('unauthorized', `${label}: may not be called by ${caller}`)
}

/** What the output is made of where its service is not checked. Throws `invalid_config` with the remedy. */
export function outputSchemaOf(type: AnyCall): Record<string, unknown> {
  try {
    return type.outputSchema()
  } catch (cause) {
    throw new SkerryError(
      'invalid_config',
      `${messageOf(cause)}; or say how it answers: outside: { '${type.label}': () => … }`,
      { cause },
    )
  }
}
