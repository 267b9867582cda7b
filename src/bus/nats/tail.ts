import { createInbox, type Msg, nanos, type Subscription } from '@nats-io/transport-node'
import type { Clock, Timer } from '../../time.ts'
import { pause } from '../../time.ts'
import type { Log } from './log.ts'
import { delivered, ephemeral, isStatus, pull } from './scan.ts'

const batch = 1000
const pullMs = 30_000
const beatMs = 5000
const silenceMs = 12_000
const againMs = 100

export interface TailOptions {
  readonly log: Log
  readonly clock: Clock
  readonly stream: string
  readonly subject: string
  /** Makes the stream where it is missing. */
  readonly prepare: () => Promise<void>
  /** All that follows comes from the stream's beginning. */
  readonly onStart: () => void
  readonly onMessage: (message: Msg) => void
}

/** Follows a subject from what is left of it, in order. After an interruption it begins again from the beginning. */
export class Tail {
  readonly #options: TailOptions
  #subscription: Subscription | undefined
  #name = ''
  #number = 0
  #left = 0
  #heard = 0
  #watchdog: Timer | undefined
  #opening = false
  #closed = false
  readonly #stopListening: () => void

  constructor(options: TailOptions) {
    this.#options = options
    this.#stopListening = options.log.link.onBack(() => this.#restart())
    this.#restart()
  }

  close(): void {
    this.#closed = true
    this.#stopListening()
    const { log, stream } = this.#options
    if (this.#subscription && !log.link.away) log.jsm.consumers.delete(stream, this.#name).catch(() => {})
    this.#drop()
  }

  #restart(): void {
    this.#drop()
    if (!this.#opening) void this.#open()
  }

  #drop(): void {
    this.#watchdog?.cancel()
    this.#subscription?.unsubscribe()
    this.#subscription = undefined
  }

  async #open(): Promise<void> {
    const { log, clock, stream, subject, prepare, onStart } = this.#options
    this.#opening = true
    while (!this.#closed && !this.#subscription) {
      const { epoch } = log.link
      try {
        await prepare()
        const info = await log.link.once(() => log.jsm.consumers.add(stream, ephemeral(subject, 1)))
        if (this.#closed || epoch !== log.link.epoch) continue
        this.#name = info.name
        this.#number = 0
        this.#subscription = log.link.connection.subscribe(createInbox(), {
          callback: (_error, message) => this.#receive(message),
        })
        onStart()
        this.#pull()
      } catch {
        await pause(clock, againMs)
      }
    }
    this.#opening = false
  }

  #receive(message: Msg): void {
    this.#heard = this.#options.clock.monotonic()
    const code = isStatus(message) ? message.headers?.code : undefined
    if (code === 100) return
    if (code === 408) this.#pull()
    else if (code !== undefined || delivered(message).number !== ++this.#number) this.#restart()
    else {
      if (--this.#left === 0) this.#pull()
      this.#options.onMessage(message)
    }
  }

  #pull(): void {
    const { log, clock, stream } = this.#options
    if (!this.#subscription) return
    this.#left = batch
    this.#heard = clock.monotonic()
    const request = { batch, expires: nanos(pullMs), idle_heartbeat: nanos(beatMs) }
    pull(log.link, { stream, name: this.#name }, this.#subscription.getSubject(), request)
    this.#watch()
  }

  #watch(): void {
    this.#watchdog?.cancel()
    const { clock } = this.#options
    const look = (): void => {
      if (clock.monotonic() - this.#heard >= silenceMs) this.#restart()
      else this.#watch()
    }
    this.#watchdog = clock.after(silenceMs, look, { background: true })
  }
}
