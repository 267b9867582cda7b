import type { Msg } from '@nats-io/transport-node'
import { SkerryError } from '../../errors.ts'
import type { Clock } from '../../time.ts'
import { foreignMessage, type Incoming, type Intake, type Receiving, type SubjectPlace } from '../foreign.ts'
import { keepReceiving } from '../receiving.ts'
import { explain } from './failures.ts'
import { foreignHeaders, messageIdHeader } from './foreign-headers.ts'
import type { Link } from './link.ts'

export interface SubjectOptions {
  readonly dial: () => Promise<Link>
  readonly place: SubjectPlace
  readonly intake: Intake
  readonly clock: Clock
  readonly where: string
}

const atOnce = 256
/** Most messages that wait for the store: nobody holds them back at the other side, so that more would fill the memory. */
const mostWaiting = 100_000

/** Receives what is published on a subject while it listens. The server keeps nothing: what comes meanwhile is gone. */
export class SubjectReceiving implements Receiving {
  readonly #options: SubjectOptions
  readonly #running: Promise<void>
  readonly #waiting: Msg[] = []
  #wake = (): void => {}
  #link: Link | undefined
  #ended: unknown
  #dropped = 0

  constructor(options: SubjectOptions) {
    this.#options = options
    options.intake.signal.addEventListener('abort', () => this.#wake(), { once: true })
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    await this.#running
    await this.#link?.close()
  }

  async #run(): Promise<void> {
    const { clock, intake, where } = this.#options
    await keepReceiving({ intake, clock, explain: (error) => explain(error, where) }, async (going) => {
      await this.#listen()
      going()
      await this.#pump()
    })
  }

  /** The client subscribes again by itself whenever the connection is back. */
  async #listen(): Promise<void> {
    const { dial, place, intake } = this.#options
    if (!this.#link) {
      this.#link = await dial()
      void this.#watch(this.#link)
    }
    this.#ended = undefined
    const subscription = this.#link.connection.subscribe(place.subject, {
      callback: (error, message) => {
        if (error) this.#ended = error
        else if (this.#waiting.length < mostWaiting) this.#waiting.push(message)
        else this.#drop()
        this.#wake()
      },
    })
    intake.signal.addEventListener('abort', () => subscription.unsubscribe(), { once: true })
    await this.#link.once(() => (this.#link as Link).connection.flush())
  }

  async #watch(link: Link): Promise<void> {
    const { intake, where } = this.#options
    for await (const { type } of link.connection.status()) {
      if (intake.signal.aborted) return
      if (type === 'disconnect')
        intake.interrupted(
          new SkerryError('unavailable', `${where}: the connection is interrupted; what is published now is missed`),
          0,
        )
      else if (type === 'reconnect') intake.resumed()
    }
  }

  #drop(): void {
    const { intake, where } = this.#options
    if (this.#dropped++ > 0) return
    intake.interrupted(
      new SkerryError(
        'overloaded',
        `${where}: ${mostWaiting} messages wait for the store; those that come now are lost`,
      ),
      0,
    )
  }

  async #pump(): Promise<void> {
    const { intake } = this.#options
    while (!intake.signal.aborted) {
      if (this.#ended) throw this.#ended
      if (this.#waiting.length === 0) {
        if (this.#dropped > 0) intake.resumed()
        this.#dropped = 0
        await new Promise<void>((resolve) => (this.#wake = resolve))
        continue
      }
      await intake.take(this.#waiting.slice(0, atOnce).map(incomingOf))
      this.#waiting.splice(0, atOnce)
    }
  }
}

function incomingOf(message: Msg): Incoming {
  return {
    message: foreignMessage({
      body: message.data,
      contentType: message.headers?.get('Content-Type') ?? '',
      headers: foreignHeaders(message.headers),
      key: message.subject,
      messageId: message.headers?.get(messageIdHeader) ?? '',
      place: '',
      time: 0,
    }),
  }
}
