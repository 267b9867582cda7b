import type { Bus, Group } from '../bus/bus.ts'
import type { Store, StoreTx } from '../store/store.ts'
import type { Watcher } from '../telemetry.ts'
import type { Clock } from '../time.ts'
import type { ConflictFigure } from './conflicts.ts'
import type { LeaseTime } from './leases.ts'
import type { Measuring } from './measuring.ts'
import { clearOutbox } from './outbox.ts'
import { leaseMs, type Ownership } from './ownership.ts'
import { keyId } from './places.ts'
import { retentionMarks, waitingRows } from './positions.ts'
import { recordTerm, type Term } from './registration.ts'
import type { Relay } from './relay.ts'
import type { Room } from './room.ts'
import { holds, renew, setPlace } from './shares.ts'
import type { Reader, Share } from './state.ts'

export interface MaintenanceOptions {
  readonly store: Store
  readonly bus: Bus
  readonly clock: Clock
  readonly me: string
  readonly pid: number
  readonly http: string | undefined
  readonly group: Group | undefined
  readonly readers: readonly Reader[]
  readonly relay: Relay
  readonly ownership: Ownership
  readonly watcher: Watcher
  readonly drop: (share: Share) => void
  readonly term: Term
  readonly room: Room
  readonly conflicts: () => readonly ConflictFigure[]
  readonly leases: LeaseTime
  readonly measuring: Measuring | undefined
}

const everyMs = 1000

/** A jump of the wall clock larger than this is reported, and retries are moved along. */
const jumpMs = 60_000

/** What a processor does once a second rather than for each event: leases, presence, marks, tidying. */
export class Maintenance {
  readonly #options: MaintenanceOptions
  #next = 0
  #version = -1
  #offset: number
  #acknowledged = ''

  constructor(options: MaintenanceOptions) {
    this.#options = options
    this.#offset = options.clock.wall() - options.clock.monotonic()
  }

  get due(): boolean {
    // A clock that jumped is dealt with before anything is judged due by it.
    return this.inMs(this.#options.clock.monotonic()) <= 0 || Math.abs(this.#wallOffset() - this.#offset) >= jumpMs
  }

  inMs(now: number): number {
    return this.#next - now
  }

  /** Runs with the next round instead of at its time. */
  soon(): void {
    this.#next = 0
  }

  async run(): Promise<void> {
    const { store, clock, relay, ownership, drop } = this.#options
    const jump = this.#jumped()
    await this.#options.leases.look()
    await this.#commit((tx, after) => this.#write(tx, jump, after))
    await ownership.rebalance(drop)
    if (ownership.ownsRelay && !relay.active) await relay.activate()
    else if (!ownership.ownsRelay && relay.active) relay.deactivate()
    const version = await store.version()
    if (version !== this.#version) await this.#reload(version)
    await this.#options.room.look(store)
    // Where nobody says that there is something to send.
    if (!this.#options.group) relay.look()
    await this.#acknowledge()
    this.#next = clock.monotonic() + everyMs
  }

  /** Hands everything back. */
  async end(drop: (share: Share) => void): Promise<void> {
    await this.#commit(async (tx, after) => {
      await this.#options.measuring?.end(tx, after)
      await this.#flush(tx, after)
    })
    await this.#acknowledge()
    await this.#options.ownership.releaseAll(drop)
  }

  /** Removes from the outbox what this process has sent. */
  async tidyOutbox(): Promise<void> {
    const { store, relay } = this.#options
    if (relay.active && relay.sent > 0) await store.write((tx) => clearOutbox(tx, relay.sent), 'bookkeeping')
  }

  async #commit(work: (tx: StoreTx, after: (() => void)[]) => Promise<void>): Promise<void> {
    const after: (() => void)[] = []
    await this.#options.store.write((tx) => work(tx, after), 'bookkeeping')
    for (const effect of after) effect()
  }

  async #write(tx: StoreTx, jump: number, after: (() => void)[]): Promise<void> {
    const { leases, me, pid, http, relay, readers } = this.#options
    const now = leases.now()
    await renew(tx, me, now + leaseMs)
    await tx.run(
      `insert into skerry_member (id, pid, boot, expires, live) values (?, ?, ?, ?, ?)
       on conflict (id) do update set expires = excluded.expires, live = excluded.live`,
      me,
      pid,
      me.split('.')[0] ?? '',
      now + leaseMs,
      JSON.stringify({ ...liveFigures(readers), conflicts: this.#options.conflicts(), http }),
    )
    await tx.run('delete from skerry_member where expires < ?', now - 10 * leaseMs)
    if (leases.oneMachine) await tx.run('delete from skerry_member where boot <> ?', me.split('.')[0] ?? '')
    if (relay.active) await clearOutbox(tx, relay.sent)
    if (jump !== 0) await this.#moveRetries(tx, jump, after)
    await this.#options.measuring?.store(tx, relay.active, after)
    await this.#flush(tx, after)
  }

  /** Events that concern nobody move the mark, too, though nobody commits for them. */
  async #flush(tx: StoreTx, after: (() => void)[]): Promise<void> {
    await recordTerm(tx, this.#options.term, after)
    for (const reader of this.#options.readers) {
      for (const share of reader.shares) {
        if (!(await holds(tx, reader.id, share.lanes, share.token))) continue
        for (const cursor of share.cursors.values()) {
          if (cursor.open.size > 0 || cursor.read === cursor.next) continue
          await setPlace(tx, reader.id, share.lanes, cursor.stream, cursor.read)
          const { read } = cursor
          after.push(() => {
            cursor.next = read
          })
        }
      }
    }
  }

  /** Somebody else has written: a redriven or discarded dead letter, a pause, a share handed over, emitted events. */
  async #reload(version: number): Promise<void> {
    const { store, readers, relay } = this.#options
    this.#version = version
    // Where no group tells, this is how the relay hears of what another process emitted.
    relay.look()
    await store.read(async (tx) => {
      for (const reader of readers) {
        const [row] = await tx.all<{ paused: number }>(
          'select paused from skerry_subscription where name = ?',
          reader.id,
        )
        reader.paused = row?.paused === 1
        reader.nextDue = 0
        for (const share of reader.shares) {
          for (const row of await waitingRows(tx, reader.id, share.lanes)) {
            const key = share.waiting.get(keyId(row.stream, row.key))
            if (!key || key.state === row.state) continue
            key.state = row.state
            key.heads = undefined
          }
        }
      }
    })
  }

  async #acknowledge(): Promise<void> {
    const { store, bus, readers } = this.#options
    const marks = await store.read((tx) =>
      Promise.all(readers.map(async (reader) => [reader.id, await retentionMarks(tx, reader.id)] as const)),
    )
    const text = JSON.stringify(marks)
    if (text === this.#acknowledged) return
    this.#acknowledged = text
    for (const [subscription, places] of marks) bus.acknowledge(subscription, places)
  }

  /** By how much the wall clock jumped since the last look; 0 for ordinary drift. */
  #jumped(): number {
    const by = Math.round(this.#wallOffset() - this.#offset)
    if (Math.abs(by) >= jumpMs) return by
    this.#offset += by
    return 0
  }

  #wallOffset(): number {
    return this.#options.clock.wall() - this.#options.clock.monotonic()
  }

  /** Retries wait for a span of time, not for a date: they keep it. Each process moves those of its own lanes. */
  async #moveRetries(tx: StoreTx, by: number, after: (() => void)[]): Promise<void> {
    for (const reader of this.#options.readers) {
      for (const { lanes, token } of reader.shares) {
        if (!(await holds(tx, reader.id, lanes, token))) continue
        await tx.run(
          "update skerry_exception set due = due + ? where subscription = ? and state = 'retry' and lane >= ? and lane < ?",
          by,
          reader.id,
          lanes.from,
          lanes.to,
        )
      }
    }
    after.push(() => {
      this.#offset += by
      for (const reader of this.#options.readers) reader.nextDue = 0
      this.#options.watcher({ kind: 'clock_jump', byMs: by })
    })
  }
}

function liveFigures(readers: readonly Reader[]): Record<string, unknown> {
  return {
    serves: readers.map((reader) => reader.id),
    readers: readers.map((reader) => ({
      subscription: reader.id,
      inFlight: reader.works.size,
      preparing: reader.preparing,
      circuit: reader.circuit.state,
      lanes: reader.shares.map((share) => share.lanes),
    })),
  }
}
