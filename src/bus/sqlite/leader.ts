import { codeOf, messageOf, SkerryError } from '../../errors.ts'
import type { Clock } from '../../time.ts'
import type { Batch } from '../bus.ts'
import { Queue } from '../queue.ts'
import { type Failure, toFailure } from './failures.ts'
import { type Down, type Failed, type Growth, protocolVersion, type Question, type Up } from './protocol.ts'
import { type Client, Roster } from './roster.ts'
import type { Durability } from './schema.ts'
import type { Writer } from './writer.ts'

/** Members of groups have this long to say that they are still there, after a change of writer. */
export const graceMs = 300
/** A process that said nothing for this long, in spite of pings, is silent. */
export const silenceMs = 2000
/** One commit takes at most this much; the rest waits for the next, so that no client waits long for another's flood. */
const commitBytes = 4 * 1024 * 1024
const commitBatches = 4096

export interface LeaderOptions {
  readonly writer: Writer
  readonly file: string
  readonly pid: number
  readonly maxBytes: number
  readonly clock: Clock
  /** Sets how durable commits are from now on. */
  readonly setDurability: (durability: Durability) => void
  /** No writing any more: another process took over. */
  readonly onFenced: () => void
}

interface Entry {
  readonly seq: number
  readonly batch: Batch
}

/** What became of what was gathered: the streams that grew, by what, and what each process is to hear of failures. */
interface Outcome {
  readonly grown: Set<string>
  readonly news: Growth[]
  readonly failed: Map<Peer, Failed[]>
}

/** A process's connection to the writer. */
export interface Peer extends Client {
  pid: number
  heard: number
  durability: Durability
  /** It answers nothing at all. */
  lost: boolean
  /** It says that its main thread does not answer. */
  blocked: boolean
  readonly waiting: Queue<Entry>
  /** Ends the connection. */
  end(): void
}

export function newPeer(send: (message: Down) => void, end: () => void, heard: number): Peer {
  return {
    pid: 0,
    silent: false,
    lost: false,
    blocked: false,
    heard,
    durability: 'normal',
    waiting: new Queue(),
    send,
    end,
  }
}

/** The writer's conversation with all processes: gathers what arrived, commits it in one go, tells everybody. */
export class Leader {
  readonly #options: LeaderOptions
  readonly #writer: Writer
  readonly #roster: Roster
  readonly #peers = new Set<Peer>()
  #scheduled = false
  /** Something was committed since the last look. */
  #busy = false
  #stopped = false
  #durability: Durability | undefined

  constructor(options: LeaderOptions, clean: boolean) {
    this.#options = options
    this.#writer = options.writer
    this.#roster = new Roster(options.writer.epoch * 2 ** 20)
    if (clean) this.#roster.settle()
    else options.clock.after(graceMs, () => this.#stopped || this.#roster.settle())
  }

  connect(peer: Peer): void {
    this.#peers.add(peer)
  }

  disconnect(peer: Peer): void {
    if (!this.#peers.delete(peer) || this.#stopped) return
    this.#roster.disconnect(peer)
    this.#adjustDurability()
  }

  receive(peer: Peer, message: Up): void {
    if (this.#stopped || !this.#peers.has(peer)) return
    this.#hear(peer)
    switch (message.kind) {
      case 'hello':
        this.#greet(peer, message)
        break
      case 'append':
        for (const [i, batch] of message.batches.entries()) peer.waiting.push({ seq: message.seq + i, batch })
        this.#schedule()
        break
      case 'question':
        this.#answer(peer, message.id, message.question)
        break
      case 'marks':
        this.#writer.readers.acknowledge(message.marks)
        break
      case 'join':
        this.#roster.join(peer, message)
        break
      case 'leave':
        this.#roster.leave(peer, message.seat)
        break
      case 'nudge':
        this.#roster.nudge(peer, message.seat)
        break
      case 'want':
        this.#roster.want(peer, message.seat)
        break
      case 'yield':
        this.#roster.yield(peer, message.seat, message.grant)
        break
      case 'silent':
        peer.blocked = message.silent
        this.#roster.silence(peer, peer.blocked)
        break
      case 'pong':
        return
    }
  }

  /** Sends pings and looks who did not answer. After a pause of our own everybody gets another chance. */
  beat(paused: boolean): void {
    const now = this.#options.clock.monotonic()
    for (const peer of this.#peers) {
      if (paused) peer.heard = now
      peer.send({ kind: 'ping' })
    }
    for (const peer of this.#peers) {
      if (now - peer.heard <= silenceMs) continue
      peer.lost = true
      this.#roster.silence(peer, true)
    }
  }

  /** The slow work beside appending. */
  tend(suspended: boolean): void {
    if (this.#stopped) return
    this.#quietly(() => {
      if (this.#writer.readers.unsaved) this.#writer.change((readers) => readers.save())
      if (this.#writer.retain(suspended)) setImmediate(() => this.tend(suspended))
      else if (this.#writer.vacuum()) setImmediate(() => this.tend(suspended))
      this.#writer.checkpoint(!this.#busy)
      this.#busy = false
    })
  }

  /** Commits what has arrived, and ends all connections: their processes find the next writer. */
  stop(inOrder: boolean): void {
    if (this.#stopped) return
    while (inOrder && this.#commit()) {}
    this.#stopped = true
    if (inOrder) this.#quietly(() => this.#writer.endTerm(this.#peers.size <= 1))
  }

  release(): void {
    for (const peer of this.#peers) peer.end()
    this.#peers.clear()
  }

  #hear(peer: Peer): void {
    peer.heard = this.#options.clock.monotonic()
    if (!peer.lost) return
    peer.lost = false
    this.#roster.silence(peer, peer.blocked)
  }

  #greet(peer: Peer, { version, pid, durability }: Extract<Up, { kind: 'hello' }>): void {
    if (version !== protocolVersion) {
      const message = `${this.#options.file}: process ${this.#options.pid} writes it with another version of Skerry; upgrade all processes together`
      peer.send({ kind: 'refused', failure: { code: 'invalid_config', message } })
      peer.end()
      return
    }
    peer.pid = pid
    peer.durability = durability
    this.#adjustDurability()
    const { maxBytes } = this.#options
    peer.send({ kind: 'welcome', pid: this.#options.pid, limit: Number.isFinite(maxBytes) ? maxBytes : null })
  }

  /** As durable as the strictest process that is connected asks for. */
  #adjustDurability(): void {
    const wanted: Durability = [...this.#peers].some((peer) => peer.durability === 'full') ? 'full' : 'normal'
    if (wanted === this.#durability) return
    this.#durability = wanted
    this.#options.setDurability(wanted)
  }

  #answer(peer: Peer, id: number, question: Question): void {
    if (question.ask === 'members') this.#roster.members(peer, id, question.group)
    else this.#change(peer, id, question)
  }

  #change(peer: Peer, id: number, question: Exclude<Question, { ask: 'members' }>): void {
    try {
      const value = this.#writer.change((readers) =>
        question.ask === 'register' ? readers.register(question.reader) : readers.forget(question.subscription),
      )
      peer.send({ kind: 'answer', id, value })
    } catch (error) {
      if (this.#isFenced(error)) return
      const done = question.ask === 'forget' && question.again && codeOf(error) === 'not_found'
      peer.send(done ? { kind: 'answer', id } : { kind: 'answer', id, failure: failureOf(error) })
    }
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      if (this.#stopped) return
      if (this.#commit()) this.#schedule()
      this.#quietly(() => this.#afterwards())
    })
  }

  /** What everybody was told need not wait for, and the next commit would. */
  #afterwards(): void {
    this.#writer.checkpoint(false)
    void this.#writer.room
  }

  /** One commit; says whether more is waiting. */
  #commit(): boolean {
    const { taken, more } = this.#gather()
    if (taken.size === 0) return false
    this.#busy = true
    const outcome: Outcome = { grown: new Set(), news: [], failed: new Map() }
    try {
      this.#commitAll(taken, outcome)
    } catch (error) {
      // Not acknowledged: the processes send it all again, to the new writer.
      if (this.#isFenced(error)) return false
      throw error
    }
    this.#tell(taken, outcome)
    return more
  }

  /** What has arrived, one batch from each client in turn. */
  #gather(): { taken: Map<Peer, Entry[]>; more: boolean } {
    const taken = new Map<Peer, Entry[]>()
    let bytes = 0
    let count = 0
    let found = true
    while (found && bytes < commitBytes && count < commitBatches) {
      found = false
      for (const peer of this.#peers) {
        const entry = peer.waiting.shift()
        if (!entry) continue
        found = true
        const own = taken.get(peer)
        if (own) own.push(entry)
        else taken.set(peer, [entry])
        bytes += entry.batch.frame.length
        count++
      }
    }
    return { taken, more: found }
  }

  /** Together, and if that fails each client's by itself: one that is too large for the disk fails nobody else's. */
  #commitAll(taken: ReadonlyMap<Peer, Entry[]>, outcome: Outcome): void {
    const all = [...taken].flatMap(([peer, entries]) => entries.map((entry) => ({ peer, ...entry })))
    try {
      const { failures, streams, news } = this.#writer.commit(all.map((a) => a.batch))
      for (const stream of streams) outcome.grown.add(stream)
      outcome.news.push(...news)
      for (const [i, failure] of failures.entries()) {
        const entry = all[i]
        if (!failure || !entry) continue
        push(outcome.failed, entry.peer, { seq: entry.seq, failure })
      }
    } catch (error) {
      if (codeOf(error) === 'fenced') throw error
      if (taken.size > 1) {
        for (const one of taken) this.#commitAll(new Map([one]), outcome)
        return
      }
      for (const { peer, seq } of all) push(outcome.failed, peer, { seq, failure: failureOf(error) })
    }
  }

  #tell(taken: ReadonlyMap<Peer, Entry[]>, { grown, news, failed }: Outcome): void {
    const streams = [...grown]
    for (const peer of this.#peers) {
      const acked = taken.get(peer)?.at(-1)?.seq ?? 0
      if (acked === 0 && streams.length === 0) continue
      peer.send({ kind: 'committed', acked, failed: failed.get(peer) ?? [], streams, news })
    }
  }

  #isFenced(error: unknown): boolean {
    if (codeOf(error) !== 'fenced') return false
    this.#stopped = true
    this.#options.onFenced()
    return true
  }

  /** For work that nobody waits for: it is tried again later, and an append will say what is wrong. */
  #quietly(work: () => void): void {
    try {
      work()
    } catch (error) {
      if (!this.#isFenced(error) && !(error instanceof SkerryError) && !(error instanceof Error && 'errcode' in error))
        throw error
    }
  }
}

function failureOf(error: unknown): Failure {
  return error instanceof SkerryError ? toFailure(error) : { code: 'io_error', message: messageOf(error) }
}

function push(failed: Map<Peer, Failed[]>, peer: Peer, one: Failed): void {
  const own = failed.get(peer)
  if (own) own.push(one)
  else failed.set(peer, [one])
}
