import { SkerryError } from '../errors.ts'
import type { Clock, Timer } from '../time.ts'

/**
 * Bounds each `handle`: its transaction holds the service's only writer. One timer watches a whole batch, because most
 * handlers end within microtasks, long before a timer of their own could fire.
 */
export class BudgetWatch {
  readonly #clock: Clock
  #timer: Timer | undefined
  #fires = Number.POSITIVE_INFINITY
  #running: { readonly end: number; readonly overrun: () => void } | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Runs a step. Rejects with `budget_exceeded` as soon as the budget is over, also when the step then ends well or
   * blocked the thread all the while; what the step does later is nobody's business any more.
   */
  async run(budgetMs: number, label: string, step: () => Promise<void> | void): Promise<void> {
    const since = this.#clock.monotonic()
    const pending = step()
    if (pending instanceof Promise) await this.#race(pending, since, budgetMs, label)
    if (this.#clock.monotonic() - since > budgetMs) throw overrun(label, budgetMs)
  }

  #race(pending: Promise<void>, since: number, budgetMs: number, label: string): Promise<void> {
    if (budgetMs === Number.POSITIVE_INFINITY) return pending
    return new Promise((resolve, reject) => {
      const running = { end: since + budgetMs, overrun: () => reject(overrun(label, budgetMs)) }
      this.#running = running
      if (running.end < this.#fires) this.#arm(running.end)
      const ended = (): void => {
        if (this.#running === running) this.#running = undefined
      }
      pending.then(
        () => {
          ended()
          resolve()
        },
        (error) => {
          ended()
          reject(error)
        },
      )
    })
  }

  #arm(at: number): void {
    this.#timer?.cancel()
    this.#fires = at
    this.#timer = this.#clock.after(Math.ceil(at - this.#clock.monotonic()), () => {
      this.#fires = Number.POSITIVE_INFINITY
      const running = this.#running
      if (!running) return
      if (running.end > this.#clock.monotonic()) this.#arm(running.end)
      else running.overrun()
    })
  }

  /** Ends the batch: no timer stays behind. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#fires = Number.POSITIVE_INFINITY
    this.#running = undefined
  }
}

function overrun(label: string, budgetMs: number): SkerryError {
  return new SkerryError(
    'budget_exceeded',
    `${label}: handle took longer than ${budgetMs} ms; move waiting and heavy work into prepare`,
  )
}
