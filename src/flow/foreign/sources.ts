import type { Receiving } from '../../bus/foreign.ts'
import { codeOf, messageOf } from '../../errors.ts'
import type { AnyService } from '../../service.ts'
import { pause } from '../../time.ts'
import { Taking, type TakingOptions } from './taking.ts'
import type { Topics } from './topics.ts'

export interface SourcesOptions extends Omit<TakingOptions, 'definition' | 'service'> {
  readonly service: AnyService
  readonly topics: Topics
}

/** How often is looked for messages that an operator handed back, in milliseconds. */
const tendMs = 1000

/** The sources of one service at work here, one receiver each. */
interface Open {
  readonly takings: readonly Taking[]
  readonly receiving: readonly Receiving[]
  readonly tending: Promise<void>
  readonly abort: AbortController
}

/**
 * Runs the sources of a service in one of its processes: the one that relays its outbox, which is theirs, too. So messages keep
 * the order in which they are handed out, and a process that was paused for long is fenced by the row that it no longer owns.
 */
export class Sources {
  readonly #options: SourcesOptions
  #wanted = false
  #open: Open | undefined
  #changing: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(options: SourcesOptions) {
    this.#options = options
    if (options.service.sources.size > 0) options.relay.onActivity((active) => this.#follow(active))
  }

  /** Hands back what is not in the store, and waits for what is being taken. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#follow(false)
    await this.#changing
  }

  /** Changes follow one another; only the last one counts. */
  #follow(wanted: boolean): void {
    this.#wanted = wanted && !this.#stopped
    this.#changing = this.#changing.then(async () => {
      if (this.#wanted && !this.#open) this.#open = this.#begin()
      else if (!this.#wanted && this.#open) {
        const open = this.#open
        this.#open = undefined
        await end(open)
      }
    })
  }

  #begin(): Open {
    const { service, topics, clock, ...rest } = this.#options
    const abort = new AbortController()
    const takings = [...service.sources.values()].map(
      (definition) => new Taking({ ...rest, clock, definition, service: service.name }),
    )
    const receiving = takings.map((taking) => topics.receive(taking.definition, taking.label, taking))
    return { takings, receiving, tending: this.#tend(takings, abort.signal), abort }
  }

  async #tend(takings: readonly Taking[], signal: AbortSignal): Promise<void> {
    const { clock, watcher } = this.#options
    while (!signal.aborted) {
      for (const taking of takings) {
        try {
          await taking.takeAgain()
          await taking.forget()
        } catch (error) {
          // The takes themselves say what is wrong with the store; nothing depends on when this is done.
          if (codeOf(error) === 'fenced' || signal.aborted) break
          watcher({ ...failed(taking.label, error), resumesInMs: tendMs })
        }
      }
      await pause(clock, tendMs, signal)
    }
  }
}

const failed = (where: string, error: unknown) =>
  ({ kind: 'paused', where, code: codeOf(error), message: messageOf(error) }) as const

async function end({ takings, receiving, tending, abort }: Open): Promise<void> {
  abort.abort()
  for (const taking of takings) taking.end()
  await Promise.all(receiving.map((one) => one.stop()))
  await tending
}
