import type { EventRecord } from '../../../src/event.ts'
import type { Observed } from './world.ts'

/** What of two runs is compared: an event's own outcome may be left out, where it is the one that was made to fail. */
export interface Leaving {
  readonly outcomesOf?: ReadonlySet<string>
  readonly effectsOf?: ReadonlySet<string>
}

/**
 * A run as text, equal for runs that cannot be told apart: rows, emissions (each id once, by type, key and data), outside
 * effects, outcomes.
 */
export function textOf(seen: Observed, leaving: Leaving = {}): string {
  const emitted = [...new Map(seen.emitted.map((record) => [record.id, told(record)])).values()].sort()
  const kept = (ids: ReadonlySet<string> | undefined, id: string) => !ids?.has(id)
  const effects = seen.effects.filter(({ event }) => kept(leaving.effectsOf, event)).map((e) => `${e.event} ${e.what}`)
  const outcomes = [...seen.outcomes].filter(([task]) => kept(leaving.outcomesOf, task.slice(task.indexOf(' ') + 1)))
  return JSON.stringify({ rows: [...seen.rows], emitted, effects: effects.sort(), outcomes: outcomes.sort() })
}

function told({ type, key, data }: EventRecord): string {
  return `${type} ${key} ${data}`
}
