import type { Endpoint } from './endpoint.ts'

/**
 * The port of discovery: which instances of a service take calls now.
 *
 * - The first update comes as soon as something is known, never before `watch` has returned; an empty list is knowledge, too.
 * - Each update has a new list. Lists and endpoints are never changed afterwards. Who is slow gets the newest one only.
 * - An endpoint keeps its id for as long as its instance lives; no two of one list share an id or an address.
 * - Only instances that are ready are in a list.
 * - What cannot be known anew is kept: an outage of the source never takes endpoints away.
 */
export interface Discovery {
  /** Tells of each change until the returned function is called. Throws `not_found` where it is certain that there never is such a service. */
  watch(service: string, update: Update): () => void
  /** No update comes afterwards. Connections are closed when it resolves. */
  close(): Promise<void>
}

export type Update = (endpoints: readonly Endpoint[], about: About) => void

/** What is known about a list. */
export interface About {
  /** How many instances there should be, ready or not, where somebody says so. */
  readonly expected?: number
  readonly freshness: Freshness
}

/**
 * - `live`: what the source says now.
 * - `settling`: the source has just begun and may not know everybody yet; who was known before is still in the list.
 * - `kept`: the source cannot be asked; this is what it said last.
 */
export type Freshness = 'live' | 'settling' | 'kept'
