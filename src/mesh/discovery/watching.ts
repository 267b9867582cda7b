import type { About, Update } from '../discovery.ts'
import type { Endpoint } from '../endpoint.ts'

/** What is known of one service. */
export interface View extends About {
  readonly endpoints: readonly Endpoint[]
}

interface Watcher {
  readonly update: Update
  told: View | undefined
  called: boolean
}

interface Watched {
  readonly watchers: Set<Watcher>
  view: View | undefined
}

/**
 * Who watches which service. Everybody is told in a turn of its own, after whoever changed something or began to watch has gone
 * on, so that a watcher that throws disturbs neither its source nor the others.
 */
export class Watching {
  readonly #services = new Map<string, Watched>()

  get services(): readonly string[] {
    return [...this.#services.keys()]
  }

  viewOf(service: string): View | undefined {
    return this.#services.get(service)?.view
  }

  /** `last` is called when nobody watches the service any more. */
  watch(service: string, update: Update, last: () => void): () => void {
    const watched = this.#services.get(service) ?? { watchers: new Set(), view: undefined }
    this.#services.set(service, watched)
    const watcher: Watcher = { update, told: undefined, called: false }
    watched.watchers.add(watcher)
    call(watched, watcher)
    return () => {
      if (!watched.watchers.delete(watcher) || watched.watchers.size > 0) return
      if (this.#services.get(service) !== watched) return
      this.#services.delete(service)
      last()
    }
  }

  tell(service: string, view: View): void {
    const watched = this.#services.get(service)
    if (!watched) return
    watched.view = view
    for (const watcher of watched.watchers) call(watched, watcher)
  }

  /** Nobody is told anything any more. */
  end(): void {
    for (const { watchers } of this.#services.values()) watchers.clear()
    this.#services.clear()
  }
}

function call(watched: Watched, watcher: Watcher): void {
  if (watcher.called) return
  watcher.called = true
  queueMicrotask(() => {
    watcher.called = false
    const { view } = watched
    if (!view || view === watcher.told || !watched.watchers.has(watcher)) return
    watcher.told = view
    const { endpoints, ...about } = view
    watcher.update([...endpoints], about)
  })
}

/** Whether two lists have the same endpoints, in whatever order. */
export function sameEndpoints(a: readonly Endpoint[], b: readonly Endpoint[]): boolean {
  if (a.length !== b.length) return false
  const known = new Map(a.map((endpoint) => [endpoint.id, textOf(endpoint)]))
  return b.every((endpoint) => known.get(endpoint.id) === textOf(endpoint))
}

function textOf({ id, address, frames, labels, weight, zone }: Endpoint): string {
  const sorted = Object.entries(labels).sort(([x], [y]) => (x < y ? -1 : 1))
  return JSON.stringify([id, address, frames, sorted, weight, zone])
}
