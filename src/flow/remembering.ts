import type { AnyService, SubscriptionDefinition } from '../service.ts'

/** The subscriptions of a new instance: their handlers share one memory, made anew, where the service declares any. */
export function subscriptionsOf({ subscriptions, memories }: AnyService): SubscriptionDefinition[] {
  if (!memories.declared) return [...subscriptions.values()]
  const instance = memories.fresh()
  return [...subscriptions.values()].map((definition) => {
    const bound = [...definition.handlers].map(
      ([label, { type, handler }]) => [label, { type, handler: memories.bind(handler, instance) }] as const,
    )
    return { ...definition, handlers: new Map(bound) }
  })
}
