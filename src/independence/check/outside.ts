import { derivedId } from '../../ids.ts'
import { type Job, nameOf } from './job.ts'

/** How the world outside answers while handlers are checked: by the name given to `ctx.once` or `ctx.outside`. */
export type OutsideStubs = Readonly<Record<string, Answer | Effect>>

export type Answer = (request: OutsideRequest) => unknown

/** Work that changes something out there: under `ctx.outside`, doing it twice is not the same as once. */
export interface Effect {
  readonly answer: Answer
  readonly effect: true
}

export interface OutsideRequest {
  /** Of `ctx.once`: the same for the same event. '' for a question. */
  readonly key: string
  /** Data of the event. */
  readonly data: unknown
}

/** Effects on the outside world so far, as a provider would keep them. */
export interface Outside {
  /** Results of `ctx.once` on disk, by its key. */
  readonly results: ReadonlyMap<string, unknown>
  /** What providers were asked to do, by the event that it was for and its name, and how often: under a key at most once. */
  readonly effects: ReadonlyMap<string, number>
}

export const nothingOutside: Outside = { results: new Map(), effects: new Map() }

export function onceKey({ delivery, reader }: Job, name: string): string {
  return derivedId(delivery.stream, delivery.record.id, reader, `once:${name}`)
}

/** As before, and once more done for this event. */
export function withEffect({ results, effects }: Outside, job: Job, name: string): Outside {
  const what = `${nameOf(job)} ${name}`
  return { results, effects: new Map(effects).set(what, (effects.get(what) ?? 0) + 1) }
}

export function withResult({ results, effects }: Outside, key: string, result: unknown): Outside {
  return { results: new Map(results).set(key, result), effects }
}

export function isEffect(stub: Answer | Effect | undefined): stub is Effect {
  return typeof stub === 'object'
}
