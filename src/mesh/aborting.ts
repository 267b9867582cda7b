import type { Ending } from './transport.ts'

/** The end of one try. An `AbortController` does the same, and costs each call more than balancing, circuit and budget together. */
export class Abort implements Ending {
  #state: { readonly at: 'open' } | { readonly at: 'aborted'; readonly reason: unknown } = open
  #listeners: (() => void)[] = []

  get aborted(): boolean {
    return this.#state.at === 'aborted'
  }

  get reason(): unknown {
    return this.#state.at === 'aborted' ? this.#state.reason : undefined
  }

  abort(reason: unknown): void {
    if (this.#state.at === 'aborted') return
    this.#state = { at: 'aborted', reason }
    for (const ended of this.#listeners.splice(0)) ended()
  }

  addEventListener(_: 'abort', ended: () => void): void {
    if (this.#state.at === 'open') this.#listeners.push(ended)
  }

  removeEventListener(_: 'abort', ended: () => void): void {
    const at = this.#listeners.indexOf(ended)
    if (at >= 0) this.#listeners.splice(at, 1)
  }
}

const open = { at: 'open' } as const

/** What the promise settles with, or the signal's reason as soon as that aborts. No listener stays behind. */
export async function orAborted<T>(promise: Promise<T>, signal: Ending): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const abort = (): void => aborted.reject(signal.reason)
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
