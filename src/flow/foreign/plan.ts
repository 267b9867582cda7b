import { describePlace, identityOf, type Naming, type SourceOptions } from '../../foreign.ts'

/** One source or sink, as `skerry plan` shows it. */
export interface ForeignLine {
  /** `service/source`. */
  readonly name: string
  readonly direction: 'source' | 'sink'
  readonly place: string
  /** What is promised there. */
  readonly promise: string
}

export function foreignPlan(service: Naming): ForeignLine[] {
  const { name, sources, subscriptions } = service
  return [
    ...[...sources.values()].map(({ name: one, options }) => ({
      name: `${name}/${one}`,
      direction: 'source' as const,
      place: describePlace(options),
      promise: promiseOf(`${name}/${one}`, options),
    })),
    ...[...subscriptions.values()].flatMap(({ name: one, sink }) =>
      sink
        ? {
            name: `${name}/${one}`,
            direction: 'sink' as const,
            place: describePlace(sink.target),
            promise:
              'subject' in sink.target && !sink.target.storedIn ? keptByNobody : 'at least once, with the event id',
          }
        : [],
    ),
  ]
}

const keptByNobody = 'at least once to the server, which keeps nothing'

function promiseOf(label: string, options: SourceOptions): string {
  const id = identityOf(label, options)
  const missed = 'subject' in options ? '; what comes while nobody listens is missed' : ''
  if (id === 'delivery') return `each delivery is an event${missed}`
  if (id === 'place' && 'topic' in options) return 'exactly once'
  const by = typeof id === 'function' ? 'a function of its own' : id
  return `exactly once, known by ${by}${missed}`
}
