import type { StreamStatus } from '../bus/bus.ts'
import type { Position } from '../event.ts'
import type { ReadTx } from '../store/store.ts'
import type { Circuit } from './circuit.ts'
import { type ConflictFigure, mergedConflicts } from './conflicts.ts'
import { outboxBacklog } from './outbox.ts'

/** What a store says of its service: reads only, on one snapshot, beside the processes at work. */
export interface StoreStatus {
  readonly identity: string
  /** Emitted events that the bus does not have yet. */
  readonly outbox: number
  readonly processes: readonly ProcessStatus[]
  readonly subscriptions: readonly SubscriptionStatus[]
  /** Those that took in anything so far. */
  readonly sources: readonly SourceStatus[]
  /** Events that ran again because of other processes, since those that are at work now started; most first. */
  readonly conflicts: readonly ConflictFigure[]
}

export interface ProcessStatus {
  readonly id: string
  readonly pid: number
  readonly serves: readonly string[]
  /** Where it serves calls, if it does. */
  readonly http?: string
}

export interface SubscriptionStatus {
  readonly subscription: string
  readonly from: string
  readonly order: string
  readonly paused: boolean
  /** The worst that any process says. */
  readonly circuit: Circuit['state']
  readonly processes: number
  /** Where it is in each stream: everything below is settled, or has a row among the figures here. */
  readonly streams: readonly { readonly stream: string; readonly position: Position }[]
  /** All that came to it: settled, in flight, or kept for later. */
  readonly listened: number
  /** As of a second ago at most; an event that is being retried right now counts twice. */
  readonly inFlight: number
  readonly handled: number
  readonly expired: number
  readonly cancelled: number
  readonly retrying: number
  readonly delayed: number
  readonly unknownVersions: number
  /** Keys whose later events wait for a retry or for their turn. */
  readonly waitingKeys: number
  /** Keys whose later events wait behind a dead letter. */
  readonly parkedKeys: number
  readonly deadLetters: number
}

/** What became of the messages of a foreign topic. */
export interface SourceStatus {
  readonly source: string
  /** Those that became events. */
  readonly received: number
  /** Known from before. */
  readonly duplicates: number
  readonly ignored: number
  /** Not yet repaired or discarded. */
  readonly deadLetters: number
}

export interface Moment {
  /** `bootIdentity` of this machine: what another boot wrote is history. Undefined where machines share a store. */
  readonly boot: string | undefined
  /** Time of leases, in milliseconds; see `momentOn`. */
  readonly now: number
  /** Ids of the members that the bus sees: where it does, nobody needs to judge by leases. */
  readonly present?: readonly string[]
}

interface Live {
  readonly serves: readonly string[]
  readonly http?: string
  readonly conflicts?: readonly ConflictFigure[]
  readonly readers: readonly {
    readonly subscription: string
    readonly inFlight: number
    readonly circuit: Circuit['state']
  }[]
}

interface Member extends ProcessStatus {
  readonly live: Live
}

export async function storeStatus(tx: ReadTx, moment: Moment): Promise<StoreStatus> {
  const [identity] = await tx.all<{ value: string }>("select value from skerry_meta where name = 'identity'")
  const members = await membersAlive(tx, moment)
  const figures = await readFigures(tx)
  const rows = await tx.all<Definition>(
    'select name, start, ordering, paused from skerry_subscription order by created, name',
  )
  return {
    identity: identity?.value ?? '',
    outbox: await outboxBacklog(tx),
    processes: members.map(processOf),
    subscriptions: rows.map((row) => subscriptionStatus(row, figures, members)),
    sources: sourcesOf(figures),
    conflicts: mergedConflicts(members.map(({ live }) => live.conflicts ?? [])),
  }
}

/** Processes that are there: present on the bus if it says so, else those that renewed their leases in time. */
export async function processesAlive(tx: ReadTx, moment: Moment): Promise<ProcessStatus[]> {
  return (await membersAlive(tx, moment)).map(processOf)
}

const processOf = ({ id, pid, serves, live: { http } }: Member): ProcessStatus => ({
  ...{ id, pid, serves },
  ...(http !== undefined && { http }),
})

/**
 * How far a position is behind the end of its stream, in positions: at most so many events, since other streams use
 * positions too.
 */
export function lagOf(position: Position, stream: StreamStatus | undefined): number {
  return stream && stream.events > 0 ? Math.max(0, stream.next - Math.max(position, stream.first)) : 0
}

async function membersAlive(tx: ReadTx, { boot, now, present }: Moment): Promise<Member[]> {
  const rows = await tx.all<{ id: string; pid: number; expires: number; live: string | null }>(
    'select id, pid, expires, live from skerry_member where boot = coalesce(?, boot) order by id',
    boot ?? null,
  )
  const alive = rows.filter((row) => (present ? present.includes(row.id) : row.expires > now))
  return alive.map(({ id, pid, live }) => {
    const parsed = live === null ? { serves: [], readers: [] } : (JSON.parse(live) as Live)
    return { id, pid, serves: parsed.serves, live: parsed }
  })
}

interface Definition {
  readonly name: string
  readonly start: string
  readonly ordering: string
  readonly paused: number
}

interface Counted {
  readonly subscription: string
  readonly name: string
  readonly value: number
}

interface Figures {
  readonly counters: readonly Counted[]
  readonly exceptions: readonly Counted[]
  readonly waiting: readonly Counted[]
  readonly dead: readonly Counted[]
  readonly positions: readonly { readonly subscription: string; readonly stream: string; readonly position: Position }[]
}

async function readFigures(tx: ReadTx): Promise<Figures> {
  return {
    counters: await tx.all('select subscription, name, value from skerry_counter'),
    exceptions: await tx.all(
      'select subscription, state as name, count(*) as value from skerry_exception group by subscription, state',
    ),
    waiting: await tx.all(
      'select subscription, state as name, count(*) as value from skerry_waiting group by subscription, state',
    ),
    dead: await tx.all("select subscription, '' as name, count(*) as value from skerry_dead group by subscription"),
    positions: await tx.all(
      'select subscription, stream, min(next) as position from skerry_position group by subscription, stream order by stream',
    ),
  }
}

function subscriptionStatus(row: Definition, figures: Figures, members: readonly Member[]): SubscriptionStatus {
  const of = (rows: readonly Counted[], ...names: string[]): number =>
    rows.reduce((sum, r) => (r.subscription === row.name && names.includes(r.name) ? sum + r.value : sum), 0)
  const readers = members.flatMap(({ live }) => live.readers.filter((reader) => reader.subscription === row.name))
  const kept = {
    // Some of those that are in flight have a row, too, since later ones were committed before them.
    inFlight: Math.max(
      of(figures.exceptions, 'open'),
      readers.reduce((sum, reader) => sum + reader.inFlight, 0),
    ),
    handled: of(figures.counters, 'handled'),
    expired: of(figures.counters, 'expired'),
    cancelled: of(figures.counters, 'cancelled'),
    retrying: of(figures.exceptions, 'retry'),
    delayed: of(figures.exceptions, 'delayed'),
    unknownVersions: of(figures.exceptions, 'unknown_version'),
    deadLetters: of(figures.dead, ''),
  }
  return {
    subscription: row.name,
    from: row.start,
    order: row.ordering,
    paused: row.paused === 1,
    circuit: worst(readers.map((reader) => reader.circuit)),
    processes: readers.length,
    streams: figures.positions
      .filter((place) => place.subscription === row.name)
      .map(({ stream, position }) => ({ stream, position })),
    listened: Object.values(kept).reduce((sum, n) => sum + n, 0),
    ...kept,
    waitingKeys: of(figures.waiting, 'blocked', 'released'),
    parkedKeys: of(figures.waiting, 'parked'),
  }
}

const outcomes = ['received', 'duplicate', 'ignored', 'poison']

function sourcesOf({ counters, dead }: Figures): SourceStatus[] {
  const names = new Set(counters.filter(({ name }) => outcomes.includes(name)).map(({ subscription }) => subscription))
  return [...names].sort().map((source) => {
    const of = (rows: readonly Counted[], name: string): number =>
      rows.find((row) => row.subscription === source && row.name === name)?.value ?? 0
    return {
      source,
      received: of(counters, 'received'),
      duplicates: of(counters, 'duplicate'),
      ignored: of(counters, 'ignored'),
      deadLetters: of(dead, ''),
    }
  })
}

function worst(states: readonly Circuit['state'][]): Circuit['state'] {
  return (['open', 'probing'] as const).find((state) => states.includes(state)) ?? 'closed'
}
