import type { Batch } from '../bus.ts'
import { Queue } from '../queue.ts'
import type { Down, Marks, Question, ToMain, Up } from './protocol.ts'

/** Where messages to the writer go: its leader in this very process, or a socket. */
export interface Upstream {
  send(message: Up): void
}

interface Seat {
  readonly group: string
  readonly member: string
  grant: number
  wants: boolean
}

/**
 * This process's conversation with whoever writes. It remembers what is not settled (batches, questions, seats in
 * groups, marks) and says it again to the next writer: producer marks make a repeated batch harmless.
 */
export class Session {
  readonly #toMain: (message: ToMain) => void
  #upstream: Upstream | undefined
  #batches = new Queue<Batch>()
  /** Number of the first of `#batches`. */
  #firstSeq = 1
  #questions = new Map<number, Question>()
  #seats = new Map<number, Seat>()
  #marks: Record<string, Marks> = {}
  #watched = new Set<string>()
  #silent = false

  constructor(toMain: (message: ToMain) => void) {
    this.#toMain = toMain
  }

  get seated(): boolean {
    return this.#seats.size > 0
  }

  watch(stream: string, on: boolean): void {
    if (on) this.#watched.add(stream)
    else this.#watched.delete(stream)
  }

  /** The main thread stopped answering, or answers again. */
  silence(silent: boolean): void {
    if (silent === this.#silent) return
    this.#silent = silent
    this.#upstream?.send({ kind: 'silent', silent })
  }

  attach(upstream: Upstream): void {
    this.#upstream = upstream
    for (const [seat, { group, member, grant, wants }] of this.#seats) {
      upstream.send({ kind: 'join', seat, group, member, grant })
      if (wants) upstream.send({ kind: 'want', seat })
    }
    if (this.#silent) upstream.send({ kind: 'silent', silent: true })
    for (const [id, question] of this.#questions) {
      const again = question.ask === 'forget' ? { ...question, again: true } : question
      upstream.send({ kind: 'question', id, question: again })
    }
    upstream.send({ kind: 'marks', marks: this.#marks })
    if (this.#batches.length > 0) upstream.send({ kind: 'append', seq: this.#firstSeq, batches: [...this.#batches] })
    for (const stream of this.#watched)
      this.#toMain({ kind: 'committed', acked: 0, failed: [], streams: [stream], news: [] })
  }

  detach(): void {
    this.#upstream = undefined
  }

  /** A message from the main thread for the writer. */
  pass(message: Up): void {
    this.#note(message)
    this.#upstream?.send(message)
  }

  /** A message from the writer. */
  receive(message: Down): void {
    switch (message.kind) {
      case 'welcome':
      case 'refused':
        return
      case 'ping':
        this.#upstream?.send({ kind: 'pong' })
        return
      case 'committed':
        this.#committed(message)
        return
      case 'answer':
        this.#questions.delete(message.id)
        break
      case 'granted':
        this.#hold(message.seat, message.grant)
        break
      case 'revoked':
        if (this.#seats.get(message.seat)?.grant === message.grant) this.#hold(message.seat, 0)
        break
    }
    this.#toMain(message)
  }

  #note(message: Up): void {
    switch (message.kind) {
      case 'append':
        for (const batch of message.batches) this.#batches.push(batch)
        return
      case 'question':
        this.#questions.set(message.id, message.question)
        return
      case 'marks':
        for (const [name, marks] of Object.entries(message.marks))
          this.#marks[name] = { ...this.#marks[name], ...marks }
        return
      case 'join':
        this.#seats.set(message.seat, { group: message.group, member: message.member, grant: 0, wants: false })
        return
      case 'leave':
        this.#seats.delete(message.seat)
        return
      case 'want': {
        const seat = this.#seats.get(message.seat)
        if (seat) seat.wants = true
        return
      }
      case 'yield':
        this.#hold(message.seat, 0)
        return
    }
  }

  #hold(number: number, grant: number): void {
    const seat = this.#seats.get(number)
    if (!seat) return
    seat.grant = grant
    if (grant > 0) seat.wants = false
  }

  #committed({ acked, failed, streams, news }: Extract<Down, { kind: 'committed' }>): void {
    while (this.#firstSeq <= acked && this.#batches.shift()) this.#firstSeq++
    const watched = streams.filter((stream) => this.#watched.has(stream))
    if (acked === 0 && watched.length === 0) return
    const own = news.filter(({ stream }) => this.#watched.has(stream))
    this.#toMain({ kind: 'committed', acked, failed, streams: watched, news: own })
  }
}
