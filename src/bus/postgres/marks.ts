import type { Position } from '../../event.ts'
import type { Clock, Timer } from '../../time.ts'

/** Marks are gathered this long before they travel. */
const marksMs = 200

/** Acknowledged marks on their way to the server. Losing them costs only disk. */
export class Marks {
  readonly #clock: Clock
  readonly #send: (subscription: string, streams: string[], positions: number[]) => Promise<unknown>
  #gathered = new Map<string, Map<string, Position>>()
  #timer: Timer | undefined
  #sending: Promise<void> = Promise.resolve()

  constructor(clock: Clock, send: (subscription: string, streams: string[], positions: number[]) => Promise<unknown>) {
    this.#clock = clock
    this.#send = send
  }

  acknowledge(subscription: string, marks: Readonly<Record<string, Position>>): void {
    let known = this.#gathered.get(subscription)
    if (!known) {
      known = new Map()
      this.#gathered.set(subscription, known)
    }
    for (const stream in marks) known.set(stream, Math.max(known.get(stream) ?? 0, marks[stream] ?? 0))
    this.#timer ??= this.#clock.after(marksMs, () => void this.flush(), { background: true })
  }

  /** Resolves when all that was gathered has been sent, or is lost. */
  flush(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    const gathered = this.#gathered
    this.#gathered = new Map()
    this.#sending = this.#sending.then(async () => {
      for (const [subscription, marks] of gathered)
        await this.#send(subscription, [...marks.keys()], [...marks.values()]).catch(() => {})
    })
    return this.#sending
  }
}
