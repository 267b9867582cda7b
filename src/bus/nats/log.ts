import { type JetStreamClient, type JetStreamManager, jetstreamManager, type StoredMsg } from '@nats-io/jetstream'
import type { MsgHdrs } from '@nats-io/transport-node'
import { SkerryError } from '../../errors.ts'
import { isFull } from './failures.ts'
import type { Link } from './link.ts'
import { type Names, producerFilter, streamFilter } from './names.ts'
import { type Scanned, scan } from './scan.ts'
import { identityIn } from './settings.ts'

/** What the log's leader says of it, all at one moment. */
export interface Tip {
  /** Sequence of the newest message, and of the oldest that retention left (newest + 1 when there is none). */
  readonly last: number
  readonly first: number
  /** How many writers' terms the log still shows. */
  readonly terms: number
  readonly diskBytes: number
  readonly limitBytes: number
}

/** The JetStream stream that holds an application's events, as its leader answers: never as an outdated replica would. */
export class Log {
  readonly link: Link
  readonly names: Names
  readonly identity: string
  readonly jsm: JetStreamManager
  readonly #js: JetStreamClient
  #tip: Promise<Tip> | undefined
  #next: Promise<Tip> | undefined
  #newest = 0
  /** What the last answer said. */
  latest: Tip = { last: 0, first: 1, terms: 0, diskBytes: 0, limitBytes: Number.POSITIVE_INFINITY }

  private constructor(link: Link, names: Names, identity: string, jsm: JetStreamManager) {
    this.link = link
    this.names = names
    this.identity = identity
    this.jsm = jsm
    this.#js = jsm.jetstream()
  }

  static async on(link: Link, names: Names, identity: string): Promise<Log> {
    return new Log(link, names, identity, await manager(link))
  }

  /**
   * Asks the leader where the log is now: an answer that was under way before does not count. Callers that come together
   * share one question.
   */
  tip(): Promise<Tip> {
    if (!this.#tip) {
      this.#tip = this.#askTip().finally(() => {
        this.#tip = undefined
      })
      return this.#tip
    }
    const begun = this.#tip
    this.#next ??= begun.then(
      () => this.#follow(),
      () => this.#follow(),
    )
    return this.#next
  }

  #follow(): Promise<Tip> {
    this.#next = undefined
    return this.tip()
  }

  async #askTip(): Promise<Tip> {
    const { log, terms } = this.names
    const before = this.#newest
    const info = await this.link.ask(() => this.jsm.streams.info(log, { subjects_filter: terms }))
    const { state, config } = info
    if (identityIn(config.description) !== this.identity)
      throw this.link.break(changed(this.link.where, log, 'it was deleted and made anew'))
    if (state.last_seq < before)
      throw this.link.break(
        changed(this.link.where, log, `it ends at ${state.last_seq}, but ${before} was seen: an older copy`),
      )
    this.#newest = Math.max(this.#newest, state.last_seq)
    this.latest = {
      last: state.last_seq,
      first: state.messages === 0 ? state.last_seq + 1 : state.first_seq,
      terms: state.subjects?.[terms] ?? 0,
      diskBytes: state.bytes,
      limitBytes: config.max_bytes > 0 ? config.max_bytes : Number.POSITIVE_INFINITY,
    }
    return this.latest
  }

  /**
   * Stores one message, provided that the subject's last one has the sequence `expected` (0: there is none). Asks once:
   * after any failure but a refusal the outcome is unknown.
   */
  async put(subject: string, data: Uint8Array | string, expected: number, headers?: MsgHdrs): Promise<number> {
    const ack = await this.link.once(() =>
      this.#js.publish(subject, data, {
        expect: { lastSubjectSequence: expected },
        timeout: this.link.answerMs,
        retries: 1,
        ...(headers && { headers }),
      }),
    )
    if (ack.stream === this.names.log) this.#newest = Math.max(this.#newest, ack.seq)
    return ack.seq
  }

  last(subject: string, from: 'log' | 'registry' = 'log'): Promise<StoredMsg | null> {
    return this.link.ask(() => this.jsm.streams.getMessage(this.names[from], { last_by_subj: subject }))
  }

  /** The message with this sequence, or null. */
  at(sequence: number): Promise<StoredMsg | null> {
    return this.link.ask(() => this.jsm.streams.getMessage(this.names.log, { seq: sequence }))
  }

  /** The first message of a stream with this sequence or a later one, or null. */
  nextOf(stream: string, sequence: number): Promise<StoredMsg | null> {
    const query = { seq: Math.max(1, sequence), next_by_subj: streamFilter(this.names, stream) }
    return this.link.ask(() => this.jsm.streams.getMessage(this.names.log, query))
  }

  /** Subjects that hold a producer's messages: one for each stream it has written to. */
  async subjectsOf(producer: string): Promise<string[]> {
    const filter = producerFilter(this.names, producer)
    const { state } = await this.link.ask(() => this.jsm.streams.info(this.names.log, { subjects_filter: filter }))
    return Object.keys(state.subjects ?? {})
  }

  /** Everything under `filter` from a sequence to the end as of now, in order; `visit` may end it by returning false. */
  async scan(
    from: 'log' | 'registry',
    filter: string,
    start: number,
    visit: (message: Scanned) => boolean | undefined,
    options: { readonly headersOnly?: boolean } = {},
  ): Promise<void> {
    await scan(this.link, this.jsm, { stream: this.names[from], filter, start, ...options }, visit)
  }

  async purge(below: number): Promise<void> {
    await this.link.ask(() => this.jsm.streams.purge(this.names.log, { seq: below }))
  }

  /** Forgets the one message of a registry's subject. */
  async remove(subject: string): Promise<void> {
    await this.link.ask(() => this.jsm.streams.purge(this.names.registry, { filter: subject }))
  }

  async resize(maxBytes: number): Promise<void> {
    await this.link.ask(() => this.jsm.streams.update(this.names.log, { max_bytes: maxBytes }))
  }

  /** Runs `store`; where the log is full, bookkeeping that makes room may exceed its size for a moment. */
  async makingRoom<T>(bytes: number, store: () => Promise<T>): Promise<T> {
    try {
      return await store()
    } catch (error) {
      const { limitBytes, diskBytes } = this.latest
      if (!isFull(error) || limitBytes === Number.POSITIVE_INFINITY) throw error
      await this.resize(Math.max(limitBytes, diskBytes) + bytes)
      return await store()
    }
  }
}

export async function manager(link: Link): Promise<JetStreamManager> {
  return await jetstreamManager(link.connection, { checkAPI: false, timeout: link.answerMs })
}

function changed(where: string, log: string, how: string): SkerryError {
  return new SkerryError(
    'log_changed',
    `${where}: stream ${log} is not the one that this process has used: ${how}. Put the newer one back, then start again`,
  )
}
