import {
  type ForeignMessage,
  foreignMessage,
  type Incoming,
  type Intake,
  type Outgoing,
  type Sending,
} from '../../bus/foreign.ts'
import type { Topics } from './topics.ts'

export const incoming = (messageId: string, text: string, more: Partial<ForeignMessage> = {}): Incoming => ({
  message: foreignMessage({
    ...{ body: Buffer.from(text), contentType: 'text/plain', headers: {}, key: 'event', place: '', time: 0 },
    messageId,
    ...more,
  }),
})

/** Foreign topics in memory: what a test gives them is received, what a sink sends is kept. */
export class TopicsInMemory implements Topics {
  readonly sent: { readonly label: string; readonly message: Outgoing }[] = []
  /** Set to make sends fail. */
  failure: ((message: Outgoing) => unknown) | undefined
  begun = 0
  stopped = 0
  #intake = Promise.withResolvers<Intake>()

  /** The intake of the source at work, once there is one. */
  get intake(): Promise<Intake> {
    return this.#intake.promise
  }

  async take(...messages: Incoming[]): Promise<void> {
    await (await this.intake).take(messages)
  }

  receive: Topics['receive'] = (_source, _label, intake) => {
    this.begun++
    this.#intake.resolve(intake)
    return {
      stop: async () => {
        this.stopped++
        this.#intake = Promise.withResolvers()
      },
    }
  }

  send: Topics['send'] = (_target, label): Sending => ({
    send: async (message) => {
      const failure = this.failure?.(message)
      if (failure) throw failure
      this.sent.push({ label, message })
    },
    close: async () => {},
  })
}
