import type { Bus, Group, Stop } from '../bus/bus.ts'
import { codeOf, messageOf, SkerryError } from '../errors.ts'
import type { Random } from '../ids.ts'
import type { AnyService } from '../service.ts'
import type { Store, WriteMode } from '../store/store.ts'
import { type CrashHook, noCrash, unwatched, type Watcher } from '../telemetry.ts'
import { breathe, type Clock, inTime, pause, type Timer } from '../time.ts'
import { type BatchEnvironment, type BatchResult, runBatch } from './batch.ts'
import { BudgetWatch } from './budget.ts'
import { type Caller, noCaller } from './calling.ts'
import { Contention } from './contention.ts'
import { Dispatch } from './dispatch.ts'
import { Emissions } from './emissions.ts'
import { hasRoom } from './intake.ts'
import { journal, unjournal, withdrawJournal } from './journal.ts'
import { LeaseTime } from './leases.ts'
import { Listener } from './listener.ts'
import { Maintenance } from './maintenance.ts'
import { Measuring } from './measuring.ts'
import { Ownership } from './ownership.ts'
import { thoughAway, whileBusy } from './patience.ts'
import { planOf } from './plan.ts'
import { register, type Term } from './registration.ts'
import { Relay } from './relay.ts'
import { subscriptionsOf } from './remembering.ts'
import { report } from './report.ts'
import { Room } from './room.ts'
import { Reader, type Share, type Work } from './state.ts'

export interface ProcessorOptions {
  readonly service: AnyService
  readonly store: Store
  readonly bus: Bus
  readonly clock: Clock
  readonly random: Random
  /** This process's name among those that serve the store; see `memberName`. */
  readonly me: string
  readonly pid: number
  readonly watcher?: Watcher
  readonly crash?: CrashHook
  /** True under a debugger: handlers have no budget. */
  readonly debugging?: boolean
  readonly maxEventBytes: number
  /** Most emitted events that may wait for the bus. @default 100 000 */
  readonly outboxLimit?: number
  /** Share of seconds in which independence is measured; 0 and absent: never. */
  readonly measure?: number
  /** Where this process serves calls, for others to find. */
  readonly http?: string
  /** Carries the calls that `prepare` steps make. @default nowhere */
  readonly caller?: Caller
}

/** How long works that must be alone may keep everybody else waiting in `prepare`. */
const alonePrepareMs = 1000

/**
 * Runs the subscriptions of one service: listen → handle → acknowledge. One loop does it all, a round at a time (read,
 * prepare, one transaction), so that nothing is read while a commit is under way and memory follows the disk.
 */
export class Processor {
  readonly readers: readonly Reader[]
  readonly relay: Relay
  readonly emissions: Emissions
  readonly room: Room
  readonly #options: ProcessorOptions
  readonly #watcher: Watcher
  readonly #dispatch: Dispatch
  readonly #listener: Listener
  readonly #ownership: Ownership
  readonly #maintenance: Maintenance
  readonly #batch: BatchEnvironment
  readonly #group: Group | undefined
  readonly #contention: Contention
  readonly #measuring: Measuring | undefined
  readonly #stops: Stop[] = []
  readonly #abort = new AbortController()
  #woken = false
  #wakeUp: (() => void) | undefined
  #timer: Timer | undefined
  #running: Promise<void> | undefined
  #faults = 0
  /** Dropped in doubt: that they ran alone must not be remembered as a crash. */
  #doubtful: Work[] = []
  /** A failure that no retry can mend: the loop has ended with it. */
  failure: unknown

  constructor(options: ProcessorOptions) {
    const { service, store, bus, clock, random, me, pid } = options
    this.#options = options
    this.#watcher = options.watcher ?? unwatched
    this.readers = subscriptionsOf(service).map(
      (definition) => new Reader(service.name, definition, random, options.debugging ?? false),
    )
    for (const reader of this.readers)
      reader.onCircuit = (state) => this.#watcher({ kind: 'circuit', subscription: reader.id, state })
    const wake = (): void => this.wake()
    const share = options.measure ?? 0
    this.#measuring = share > 0 ? new Measuring({ clock, share, member: me }) : undefined
    this.#dispatch = new Dispatch(store, clock, wake, options.caller ?? noCaller, this.#measuring?.sampler)
    this.relay = new Relay({ bus, store, clock, watcher: this.#watcher, stream: service.name })
    this.#group = bus.group?.(store.identity, me)
    this.emissions = new Emissions(this.relay, store, this.#group)
    const term: Term = { read: '', recorded: '' }
    this.#contention = new Contention(service.name, store, this.readers, this.#watcher, this.#measuring)
    this.room = new Room(options.outboxLimit ?? 100_000)
    const leases = new LeaseTime(store, clock)
    const shared = { store, bus, me, group: this.#group, readers: this.readers, leases }
    this.#ownership = new Ownership(shared)
    this.#maintenance = new Maintenance({
      ...shared,
      clock,
      pid,
      http: options.http,
      relay: this.relay,
      ownership: this.#ownership,
      watcher: this.#watcher,
      term,
      room: this.room,
      measuring: this.#measuring,
      conflicts: () => this.#contention.figures,
      drop: (share) => this.#drop(share),
    })
    this.#listener = new Listener({ bus, store, clock, readers: this.readers, dispatch: this.#dispatch, term })
    this.#batch = {
      store,
      clock,
      random,
      watch: new BudgetWatch(clock),
      maxEventBytes: options.maxEventBytes,
      room: this.room,
      conflicted: (works) => this.#contention.conflicted(works),
      spoiled: () => this.#contention.spoiled(),
      relayed: () => (this.relay.active ? this.relay.sent : 0),
      term,
      sampler: this.#measuring?.sampler,
    }
  }

  /** The right to write to the store in turn; `undefined` where the bus grants none. */
  get group(): Group | undefined {
    return this.#group
  }

  /** Registers, claims lanes and starts to work. Rejects with what makes a start wrong, such as `log_changed`. */
  async start(): Promise<void> {
    const { service, store, bus, clock } = this.#options
    planOf(service, bus.engine, bus.capabilities)
    await register(service.name, store, bus, this.readers, clock)
    await this.#measuring?.begin(store)
    await this.#maintenance.run()
    for (const stream of new Set(this.readers.flatMap((reader) => reader.streams)))
      this.#stops.push(bus.watch(stream, () => this.#appended(stream)))
    if (this.#group) this.#stops.push(this.#group.onChange(() => this.#changed()))
    else if (store.signal) this.#stops.push(store.signal.watch(() => this.#changed()))
    this.relay.onSent(() => this.wake())
    this.#running = this.#loop()
  }

  wake(): void {
    this.#woken = true
    this.#wakeUp?.()
  }

  /** True when nothing is in flight here, nothing can be read, and nothing waits but for its time. */
  get idle(): boolean {
    const busy = (reader: Reader): boolean =>
      reader.works.size > 0 ||
      reader.shares.some(
        (share) =>
          [...share.cursors.values()].some((cursor) => cursor.stale) ||
          [...share.waiting.values()].some((key) => key.state === 'released'),
      )
    return !this.readers.some((reader) => !reader.paused && busy(reader)) && this.#dispatch.alone.length === 0
  }

  /**
   * Stops claiming, lets what runs finish within `graceMs`, hands back the rest without charging it, and sends the
   * outbox.
   */
  async stop(graceMs: number): Promise<void> {
    for (const stop of this.#stops) stop()
    this.#abort.abort()
    this.wake()
    await this.#running
    const { clock } = this.#options
    const deadline = clock.monotonic() + graceMs
    await this.#finishPrepared(deadline)
    try {
      await whileBusy(clock, deadline, () => withdrawJournal(this.#options.store, this.#dispatch.alone))
      await whileBusy(clock, deadline, () => this.#maintenance.end((share) => this.#drop(share)))
      await inTime(clock, deadline - clock.monotonic(), this.relay.drained())
      await this.#maintenance.tidyOutbox()
    } finally {
      await this.relay.stop()
      this.#group?.leave()
    }
  }

  /** Commits what was prepared, and waits for what is being prepared. */
  async #finishPrepared(deadline: number): Promise<void> {
    const { clock } = this.#options
    while (clock.monotonic() < deadline) {
      const prepared = this.#dispatch.hasPrepared(this.readers)
      const batch = prepared ? this.#dispatch.takeBatch(this.readers, this.#contention.batchSize) : []
      if (batch.length > 0) {
        const failed = await this.#commit(batch).catch(() => true)
        if (failed) return
      } else if (this.readers.some((reader) => reader.preparing > 0)) {
        const ready = new Promise<void>((resolve) => (this.#wakeUp = resolve))
        await inTime(clock, Math.min(50, deadline - clock.monotonic()), ready)
      } else return
    }
  }

  async #loop(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      try {
        this.#woken = false
        const moved = await this.#round()
        this.#recovered()
        // A backlog must not keep the thread from everybody else: timers, prepare steps, what the bus has to say.
        if (moved || this.#woken) await breathe()
        else await this.#sleep()
      } catch (error) {
        if (codeOf(error) === 'closed' || codeOf(error) === 'position_lost') {
          this.failure = error
          this.#watcher({
            kind: 'paused',
            where: this.#options.service.name,
            code: codeOf(error),
            message: messageOf(error),
            resumesInMs: Number.POSITIVE_INFINITY,
          })
          return
        }
        await this.#rest(error)
      }
    }
  }

  /** Something beneath all events failed: nothing is charged, everything pauses, one round probes. */
  async #rest(error: unknown): Promise<void> {
    const forMs = Math.min(5000, 20 * 2 ** Math.min(this.#faults++, 10))
    this.#watcher({
      kind: 'paused',
      where: this.#options.service.name,
      code: codeOf(error),
      message: messageOf(error),
      resumesInMs: forMs,
    })
    await pause(this.#options.clock, forMs, this.#abort.signal)
  }

  #recovered(): void {
    if (this.#faults > 0) this.#watcher({ kind: 'resumed', where: this.#options.service.name })
    this.#faults = 0
  }

  /** One round; true when it got anything done. */
  async #round(): Promise<boolean> {
    await withdrawJournal(this.#options.store, this.#doubtful)
    this.#doubtful = []
    const upkeep = this.#maintenance.due ? [() => this.#maintenance.run()] : []
    const { away, ...news } = await thoughAway([...upkeep, () => this.#listener.read()])
    let { moved } = news
    const alone = this.#dispatch.alone.shift()
    if (alone) {
      await this.#runAlone(alone)
      return true
    }
    this.#dispatch.nextStart = Number.POSITIVE_INFINITY
    for (const reader of this.readers) if (!reader.paused) this.#dispatch.startPrepares(reader)
    const batch = this.#dispatch.takeBatch(this.readers, this.#contention.batchSize)
    if (batch.length > 0) {
      await this.#commit(batch)
      moved = true
    }
    if (away !== undefined && !moved) throw away
    return moved
  }

  /** A work that may have ended the process before, or overran: journaled, prepared and handled with nothing beside it. */
  async #runAlone(work: Work): Promise<void> {
    const { store, clock } = this.#options
    // What needs no handler ends no process. It keeps its place in line all the same: nothing may overtake it.
    if (work.task.kind !== 'handle') return this.#commit([work])
    // Once for each run: a try that failed with the machine was no crash.
    const journaled = work.journaled ? 0 : journal(store, work, this.#options.crash ?? noCrash)
    const crashes = await Promise.resolve(journaled).catch((error: unknown) => {
      this.#dispatch.putBack([work])
      throw error
    })
    if (crashes >= 3) {
      const message = `the process ended ${crashes} times while this event was running alone`
      work.stage = { at: 'failed', error: new SkerryError('crashed', message) }
    } else if (work.task.kind === 'handle' && work.task.handler.prepare) {
      const prepared = this.#dispatch.runPrepare(work)
      if (!(await inTime(clock, alonePrepareMs, prepared))) {
        // It has not ended the process so far, only its patience: the others need not wait longer.
        work.alone = false
        await unjournal(store, work)
        return
      }
    }
    // Nor beside it in other processes, once it overran: it may have waited for their rows.
    if (work.stage.at !== 'done') await this.#commit([work], work.tries.overruns > 0 ? 'alone' : undefined)
  }

  async #commit(works: readonly Work[], mode: WriteMode = this.#contention.mode): Promise<void> {
    if (works.length === 0) return
    let result: BatchResult
    try {
      result = await runBatch(works, this.#batch, mode)
    } catch (error) {
      this.#dispatch.putBack(works)
      if (codeOf(error) === 'outcome_unknown') this.#doubt(works)
      throw error
    }
    this.#contention.committed(result.outcomes.values())
    for (const [work, outcome] of result.outcomes) {
      this.#dispatch.finish(work, outcome)
      this.#measuring?.settled(work, outcome)
      report(this.#watcher, this.#options.clock, work, outcome)
    }
    this.#dispatch.putBack(result.left)
    for (const share of result.lost) {
      this.#watcher({ kind: 'fenced', subscription: share.reader.id, dropped: share.reader.works.size })
      this.#drop(share)
      this.#maintenance.soon()
    }
    this.emissions.handOn(result.emitted)
    const fenced = works.filter((work) => result.lost.includes(work.share))
    await withdrawJournal(this.#options.store, fenced)
  }

  /**
   * Nobody knows whether these were committed: what memory holds of their shares may be behind the disk. They are given up
   * and claimed anew, which waits for the transaction in doubt, since that holds their rows.
   */
  #doubt(works: readonly Work[]): void {
    for (const share of new Set(works.map((work) => work.share))) this.#drop(share)
    this.#doubtful.push(...works)
    this.#maintenance.soon()
  }

  #drop(share: Share): void {
    this.#dispatch.drop(share)
  }

  #appended(stream: string): void {
    for (const reader of this.readers) for (const share of reader.shares) mark(share, stream)
    this.wake()
  }

  #changed(): void {
    this.relay.look()
    this.#maintenance.soon()
    this.wake()
  }

  /** Waits until something happens, or falls due. */
  async #sleep(): Promise<void> {
    const { clock } = this.#options
    const wall = clock.wall()
    const now = clock.monotonic()
    let ms = this.#maintenance.inMs(now)
    for (const reader of this.readers) {
      if (reader.paused) continue
      if (reader.circuit.state === 'open') ms = Math.min(ms, reader.circuit.until - now)
      else if (hasRoom(reader)) ms = Math.min(ms, reader.nextDue - wall)
    }
    ms = Math.min(ms, this.#dispatch.nextStart - now)
    await new Promise<void>((resolve) => {
      this.#wakeUp = resolve
      this.#timer = clock.after(Math.max(0, ms), resolve)
      if (this.#woken || this.#abort.signal.aborted) resolve()
    })
    this.#timer?.cancel()
    this.#wakeUp = undefined
  }
}

function mark(share: Share, stream: string): void {
  const cursor = share.cursors.get(stream)
  if (cursor) cursor.stale = true
}
