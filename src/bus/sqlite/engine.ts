import type { Worker } from 'node:worker_threads'
import { codeOf, messageOf, SkerryError } from '../../errors.ts'
import type { Delivery, Position } from '../../event.ts'
import type { CrashHook, Watcher } from '../../telemetry.ts'
import type { Clock, Timer } from '../../time.ts'
import type {
  Batch,
  Bus,
  BusStatus,
  Capabilities,
  Chunk,
  Credit,
  Group,
  Lineage,
  Registered,
  Registration,
  Stop,
} from '../bus.ts'
import { type Failure, toError } from './failures.ts'
import { Outgoing } from './outgoing.ts'
import type { AllMarks, Question, ToMain, ToWorker, WriterState } from './protocol.ts'
import { Reader } from './reader.ts'
import { Seat } from './seats.ts'

/** Watchers look for themselves this often, should a push ever be lost. */
const lookMs = 250
/** Reads never wait, so a loop of them would keep everything else from running: after so many it waits for a turn. */
const mostReadsInTurn = 64
/** Marks are gathered this long before they travel. */
const marksMs = 200

export interface EngineOptions {
  readonly file: string
  readonly clock: Clock
  readonly watcher: Watcher
  readonly crash: CrashHook
  readonly gate: Int32Array | undefined
  readonly durability: Capabilities['durability']
  readonly timeoutMs: number
}

interface Asked {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: SkerryError) => void
}

/** The bus as one process has it: reads for itself, and leaves everything else to its worker. */
export class SqliteBus implements Bus {
  readonly engine = 'sqlite'
  readonly capabilities: Capabilities
  readonly #options: EngineOptions
  readonly #worker: Worker
  readonly #outgoing: Outgoing
  readonly #listeners = new Map<string, Set<() => void>>()
  readonly #asked = new Map<number, Asked>()
  readonly #seats = new Map<number, Seat>()
  #reader: Reader | undefined
  #writer: WriterState = { pid: 0, answering: false, limit: Number.POSITIVE_INFINITY, clockJumps: 0 }
  #marks: Record<string, Record<string, Position>> = {}
  #marksTimer: Timer | undefined
  #lookTimer: Timer | undefined
  #version = 0
  #numbers = 0
  #holds = 0
  #readsInTurn = 0
  #later: (() => void)[] = []
  #broken: Failure | undefined
  #closing: Promise<void> | undefined
  #onOpen: ((error?: SkerryError) => void) | undefined

  constructor(worker: Worker, options: EngineOptions) {
    this.#worker = worker
    this.#options = options
    this.capabilities = {
      keyOrder: 'emulated',
      delay: 'emulated',
      fromStart: 'native',
      replay: 'native',
      fencing: 'emulated',
      deduplication: 'native',
      deduplicationHorizonMs: Number.POSITIVE_INFINITY,
      durability: options.durability,
    }
    this.#outgoing = new Outgoing({
      clock: options.clock,
      file: options.file,
      timeoutMs: options.timeoutMs,
      post: (seq, batches) => this.#post({ kind: 'append', seq, batches }),
      onBusy: (busy) => this.#hold(busy),
    })
    worker.on('message', (message: ToMain) => this.#receive(message))
    worker.on('error', (error) =>
      this.#break({ code: 'io_error', message: `${options.file}: its worker ended: ${messageOf(error)}` }),
    )
    worker.on('exit', () => this.#break({ code: 'closed', message: `${options.file}: its worker ended` }))
  }

  /** Resolves when the file can be read, and written by somebody, or when the writer turns out to be stuck. */
  async opened(): Promise<this> {
    this.#hold(true)
    const { clock, timeoutMs, file } = this.#options
    let timer: Timer | undefined
    try {
      await new Promise<void>((resolve, reject) => {
        this.#onOpen = (error) => (error ? reject(error) : resolve())
        timer = clock.after(timeoutMs, () =>
          reject(
            new SkerryError(
              'unavailable',
              `${file}: no process writes it, and none could begin to within ${timeoutMs} ms`,
            ),
          ),
        )
      })
      return this
    } catch (error) {
      await this.close()
      throw error
    } finally {
      timer?.cancel()
      this.#onOpen = undefined
      this.#hold(false)
    }
  }

  async append(batch: Batch): Promise<void> {
    this.#refuseEnded()
    return this.#outgoing.append(batch)
  }

  async producerMark(producer: string): Promise<number> {
    return this.#read().producerMark(producer)
  }

  async head(): Promise<Position> {
    return this.#read().head()
  }

  async read(stream: string, from: Position, credit: Credit): Promise<Chunk> {
    if (this.#readsInTurn++ === 0) setImmediate(() => this.#nextTurn())
    if (this.#readsInTurn > mostReadsInTurn) await new Promise<void>((resolve) => this.#later.push(resolve))
    return this.#read().read(stream, from, credit)
  }

  async readOne(stream: string, position: Position): Promise<Delivery | undefined> {
    return this.#read().readOne(stream, position)
  }

  async lineage(): Promise<Lineage> {
    return this.#read().lineage()
  }

  watch(stream: string, listener: () => void): Stop {
    let listeners = this.#listeners.get(stream)
    if (!listeners) {
      listeners = new Set()
      this.#listeners.set(stream, listeners)
      this.#post({ kind: 'watch', stream, on: true })
    }
    const own = (): void => listener()
    listeners.add(own)
    if (!this.#lookTimer) this.#scheduleLook()
    return () => this.#unwatch(stream, own)
  }

  async register(reader: Registration): Promise<Registered> {
    return (await this.#ask({ ask: 'register', reader })) as Registered
  }

  acknowledge(subscription: string, marks: Readonly<Record<string, Position>>): void {
    if (this.#closing || this.#broken) return
    let known = this.#marks[subscription]
    if (!known) {
      known = {}
      this.#marks[subscription] = known
    }
    for (const stream in marks) known[stream] = Math.max(known[stream] ?? 0, marks[stream] ?? 0)
    this.#marksTimer ??= this.#options.clock.after(marksMs, () => this.#flushMarks(), { background: true })
  }

  async forget(subscription: string): Promise<void> {
    await this.#ask({ ask: 'forget', subscription })
  }

  async status(): Promise<BusStatus> {
    // The file says who began to write last; what was pushed here may be a moment behind.
    const { pid, ...summary } = this.#read().summary()
    const { answering, limit, clockJumps } = this.#writer
    const writer = pid > 0 ? { pid, answering } : undefined
    return { ...summary, engine: this.engine, writer, diskLimitBytes: limit, clockJumps }
  }

  readonly group = (group: string, member: string): Group => {
    this.#refuseEnded()
    const number = ++this.#numbers
    const seat = new Seat({
      number,
      group,
      member,
      send: (message) => this.#post(message),
      ask: (question) => this.#ask(question),
      onWaiting: (waiting) => this.#hold(waiting),
      onLeave: () => this.#seats.delete(number),
    })
    this.#seats.set(number, seat)
    return seat
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#hold(true)
    if (!this.#broken) await this.#outgoing.drained()
    for (const seat of [...this.#seats.values()]) seat.leave()
    this.#flushMarks()
    // Before the worker: whoever closes the file last, and may write, leaves it in one piece.
    this.#reader?.close()
    this.#reader = undefined
    const ended = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()))
    this.#post({ kind: 'close' })
    this.#lookTimer?.cancel()
    if (this.#worker.threadId !== -1) await ended
    this.#failAll({ code: 'closed', message: `${this.#options.file}: the bus is closed` })
    this.#listeners.clear()
  }

  #receive(message: ToMain): void {
    switch (message.kind) {
      case 'committed':
        if (message.acked > 0) this.#outgoing.settle(message.acked, message.failed)
        for (const growth of message.news) this.#reader?.take(growth)
        for (const stream of message.streams) this.#notify(stream)
        return
      case 'answer':
        this.#answered(message.id, message.value, message.failure)
        break
      case 'granted':
      case 'wanted':
      case 'revoked':
      case 'changed':
        this.#seats.get(message.seat)?.receive(message)
        break
      case 'writer':
        this.#heardOf(message.writer)
        break
      case 'fact':
        this.#options.watcher(message.fact)
        break
      case 'alive?':
        this.#post({ kind: 'alive' })
        break
      case 'crash':
        this.#crash(message.point)
        break
      case 'broken':
        this.#break(message.failure)
        break
    }
  }

  #crash(point: 'bus.before-commit' | 'bus.after-commit'): void {
    const { crash, gate } = this.#options
    crash(point)
    if (!gate) return
    Atomics.store(gate, 0, 1)
    Atomics.notify(gate, 0)
  }

  #heardOf(writer: WriterState): void {
    this.#writer = writer
    this.#outgoing.silence(!writer.answering)
    if (!this.#onOpen || this.#reader) return
    try {
      this.#reader = new Reader(this.#options.file)
      this.#onOpen()
    } catch (error) {
      // A stuck writer may not even have made the file: then there is nothing to open yet.
      if (writer.answering || codeOf(error) !== 'unavailable') this.#onOpen(error as SkerryError)
    }
  }

  #answered(id: number, value: unknown, failure: Failure | undefined): void {
    const asked = this.#asked.get(id)
    if (!asked) return
    this.#asked.delete(id)
    this.#hold(false)
    if (failure) asked.reject(toError(failure))
    else asked.resolve(value)
  }

  #ask(question: Question): Promise<unknown> {
    this.#refuseEnded()
    const id = ++this.#numbers
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject })
      this.#hold(true)
      this.#post({ kind: 'question', id, question })
    })
  }

  #flushMarks(): void {
    this.#marksTimer?.cancel()
    this.#marksTimer = undefined
    const marks: AllMarks = this.#marks
    this.#marks = {}
    if (Object.keys(marks).length > 0) this.#post({ kind: 'marks', marks })
  }

  #notify(stream: string): void {
    for (const listener of this.#listeners.get(stream) ?? []) listener()
  }

  #unwatch(stream: string, listener: () => void): void {
    const listeners = this.#listeners.get(stream)
    if (!listeners?.delete(listener) || listeners.size > 0) return
    this.#listeners.delete(stream)
    this.#post({ kind: 'watch', stream, on: false })
    if (this.#listeners.size > 0) return
    this.#lookTimer?.cancel()
    this.#lookTimer = undefined
  }

  /** The safety net under the pushes: two microseconds, four times a second. */
  #scheduleLook(): void {
    this.#lookTimer = this.#options.clock.after(
      lookMs,
      () => {
        if (this.#broken || this.#closing || !this.#reader) return
        this.#scheduleLook()
        const version = this.#reader.version()
        if (version === this.#version) return
        this.#version = version
        for (const stream of [...this.#listeners.keys()]) this.#notify(stream)
      },
      { background: true },
    )
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message)
  }

  /** The process stays alive while somebody waits for something here, and only then. */
  #hold(more: boolean): void {
    this.#holds += more ? 1 : -1
    if (more && this.#holds === 1) this.#worker.ref()
    if (!more && this.#holds === 0) this.#worker.unref()
  }

  #nextTurn(): void {
    this.#readsInTurn = 0
    for (const resolve of this.#later.splice(0)) resolve()
  }

  #read(): Reader {
    this.#refuseEnded()
    if (!this.#reader) throw this.#ended()
    return this.#reader
  }

  #refuseEnded(): void {
    if (this.#broken) throw toError(this.#broken)
    if (this.#closing) throw this.#ended()
  }

  #ended(): SkerryError {
    return new SkerryError('closed', `${this.#options.file}: the bus is closed`)
  }

  #break(failure: Failure): void {
    if (this.#broken || (this.#closing && failure.code === 'closed')) return
    this.#broken = failure
    this.#onOpen?.(toError(failure))
    this.#failAll(failure)
  }

  #failAll(failure: Failure): void {
    this.#outgoing.fail(failure)
    for (const seat of this.#seats.values()) seat.fail(toError(failure))
    for (const id of [...this.#asked.keys()]) this.#answered(id, undefined, failure)
  }
}
