import type { Bus, Group } from '../bus/bus.ts'
import { randomIdentity } from '../ids.ts'
import type { ReadTx, Store, StoreTx } from '../store/store.ts'
import type { LaneRange } from './lanes.ts'
import type { LeaseTime } from './leases.ts'
import { keyId } from './places.ts'
import { putWaiting, waitingRows } from './positions.ts'
import { relaySubscription } from './registration.ts'
import {
  atRest,
  type Claimed,
  claim,
  join,
  places,
  planFor,
  release,
  releaseParts,
  type ShareRow,
  shareRows,
  type Who,
} from './shares.ts'
import type { Cursor, Reader, Share, WaitingKey } from './state.ts'

/** How long a process owns its lanes without renewing, where nobody tells that it is gone. */
export const leaseMs = 5000

/** How many works run singly after an owner that did not hand over. */
const cautiousWorks = 256

export interface OwnershipOptions {
  readonly store: Store
  readonly bus: Bus
  readonly me: string
  readonly group: Group | undefined
  readonly readers: readonly Reader[]
  readonly leases: LeaseTime
}

/** Which lanes of which subscriptions this process serves, agreed with the others through the store's rows. */
export class Ownership {
  readonly #options: OwnershipOptions
  #relayToken: string | undefined

  constructor(options: OwnershipOptions) {
    this.#options = options
  }

  get ownsRelay(): boolean {
    return this.#relayToken !== undefined
  }

  /**
   * Claims what is free and ours to serve, hands over what is others' to serve. `drop` is told of shares that end, before
   * anybody else can own them. Returns the shares that are new.
   */
  async rebalance(drop: (share: Share) => void): Promise<Share[]> {
    const { store, readers, me } = this.#options
    const members = await store.read((tx) => this.#members(tx))
    const fresh: Share[] = []
    for (const reader of readers) {
      await this.#reconcile(reader, drop)
      const who = this.#who(members.get(reader.id) ?? [me])
      const plan = planFor(await store.read((tx) => shareRows(tx, reader.id)), who)
      if (plan.release.length > 0) await this.#release(reader, plan.release, drop, fresh)
      if (plan.claim.length > 0) fresh.push(...(await this.#claim(reader, plan.claim, who)))
      await this.#joinNeighbours(reader, drop, fresh)
    }
    await this.#rebalanceRelay(members.get(relaySubscription) ?? [me])
    return fresh
  }

  /**
   * Memory and store must agree on what is served here: a share that was taken away ends, and a row that is ours while
   * nobody here serves it (the store failed between dropping and handing over) becomes free.
   */
  async #reconcile(reader: Reader, drop: (share: Share) => void): Promise<void> {
    const { store, me } = this.#options
    const rows = await store.read((tx) => shareRows(tx, reader.id))
    const serves = (share: Share, row: ShareRow): boolean =>
      share.token === row.token && share.lanes.from === row.from && share.lanes.to === row.to
    for (const share of [...reader.shares]) if (!rows.some((row) => serves(share, row))) drop(share)
    const stray = rows.filter((row) => row.owner === me && !reader.shares.some((share) => serves(share, row)))
    if (stray.length === 0) return
    await store.write(async (tx) => {
      for (const row of stray) if (await atRest(tx, reader.id, row)) await release(tx, reader.id, row, row.token ?? '')
    }, 'bookkeeping')
  }

  /** Gives everything back, unharmed: the next owner starts without caution. */
  async releaseAll(drop: (share: Share) => void): Promise<void> {
    const { store, readers, me } = this.#options
    for (const reader of readers) for (const share of [...reader.shares]) drop(share)
    this.#relayToken = undefined
    await store.write(async (tx) => {
      await tx.run('update skerry_share set owner = null, token = null, expires = 0, clean = 1 where owner = ?', me)
      await tx.run('delete from skerry_member where id = ?', me)
    }, 'bookkeeping')
  }

  /** Who is alive, by subscription: members write which ones they serve, presence tells who is gone. */
  async #members(tx: ReadTx): Promise<Map<string, string[]>> {
    const { leases, me, group } = this.#options
    const present = group && new Set(await group.members())
    const rows = await tx.all<{ id: string; expires: number; live: string }>(
      'select id, expires, live from skerry_member',
    )
    const members = new Map<string, string[]>()
    for (const row of rows) {
      const sameBoot = !leases.oneMachine || row.id.split('.')[0] === me.split('.')[0]
      const alive = row.id === me || (sameBoot && (present ? present.has(row.id) : row.expires > leases.now()))
      if (!alive) continue
      const { serves } = JSON.parse(row.live) as { serves: string[] }
      for (const subscription of [...serves, relaySubscription])
        members.set(subscription, [...(members.get(subscription) ?? []), row.id])
    }
    return members
  }

  #who(members: readonly string[]): Who {
    const { me, leases } = this.#options
    return { me, members, now: leases.now(), leaseMs, oneMachine: leases.oneMachine }
  }

  async #claim(reader: Reader, parts: readonly LaneRange[], who: Who): Promise<Share[]> {
    const claimed = await this.#options.store.write(async (tx) => {
      const result: { claimed: Claimed; waiting: WaitingKey[] }[] = []
      for (const one of await claim(tx, reader.id, parts, who, randomIdentity))
        result.push({ claimed: one, waiting: await takeOver(tx, reader, one.lanes) })
      return result
    }, 'bookkeeping')
    return claimed.map((one) => this.#load(reader, one.claimed, one.waiting))
  }

  #load(reader: Reader, claimed: Claimed, waiting: readonly WaitingKey[]): Share {
    const cursors = new Map<string, Cursor>()
    for (const stream of reader.streams) {
      const next = claimed.places[stream] ?? 0
      cursors.set(stream, { stream, next, read: next, open: new Map(), stale: true, end: 0 })
    }
    const share: Share = {
      reader,
      lanes: claimed.lanes,
      token: claimed.token,
      cursors,
      waiting: new Map(waiting.map((key) => [keyId(key.stream, key.key), key])),
      fetched: new Set(),
      cautious: claimed.clean ? 0 : cautiousWorks,
      lost: false,
    }
    reader.shares.push(share)
    reader.nextDue = 0
    return share
  }

  async #release(
    reader: Reader,
    parts: readonly LaneRange[],
    drop: (share: Share) => void,
    fresh: Share[],
  ): Promise<void> {
    for (const share of [...reader.shares]) {
      const gone = parts.filter((part) => part.from < share.lanes.to && share.lanes.from < part.to)
      if (gone.length === 0) continue
      drop(share)
      const kept = await this.#options.store.write(async (tx) => {
        await releaseParts(tx, reader.id, { ...share.lanes, token: share.token }, gone)
        const rows = (await shareRows(tx, reader.id)).filter((row) => row.token === share.token)
        return Promise.all(rows.map((row) => reload(tx, reader, row, share.token)))
      }, 'bookkeeping')
      for (const one of kept) fresh.push(this.#load(reader, one.claimed, one.waiting))
    }
  }

  async #joinNeighbours(reader: Reader, drop: (share: Share) => void, fresh: Share[]): Promise<void> {
    const shares = [...reader.shares].sort((a, b) => a.lanes.from - b.lanes.from)
    for (let i = 0; i + 1 < shares.length; i++) {
      const [left, right] = [shares[i] as Share, shares[i + 1] as Share]
      if (left.lanes.to !== right.lanes.from || !quiet(left) || !quiet(right) || !samePlaces(left, right)) continue
      drop(left)
      drop(right)
      const one = await this.#options.store.write(async (tx) => {
        await join(tx, reader.id, left.lanes, right.lanes, { left: left.token, right: right.token })
        const rows = (await shareRows(tx, reader.id)).filter(
          (row) => row.token === left.token || row.token === right.token,
        )
        return Promise.all(rows.map((row) => reload(tx, reader, row, row.token ?? left.token)))
      }, 'bookkeeping')
      for (const share of one) fresh.push(this.#load(reader, share.claimed, share.waiting))
      return
    }
  }

  async #rebalanceRelay(members: readonly string[]): Promise<void> {
    const { store, me } = this.#options
    const who = this.#who([...members].sort().slice(0, 1))
    const rows = await store.read((tx) => shareRows(tx, relaySubscription))
    const plan = planFor(rows, who)
    if (plan.claim.length > 0) {
      const [mine] = await store.write(
        (tx) => claim(tx, relaySubscription, plan.claim, who, randomIdentity),
        'bookkeeping',
      )
      this.#relayToken = mine?.token
    } else if (plan.release.length > 0 && this.#relayToken !== undefined) {
      const token = this.#relayToken
      this.#relayToken = undefined
      await store.write(
        (tx) => releaseParts(tx, relaySubscription, { from: 0, to: 64, token }, plan.release),
        'bookkeeping',
      )
    } else if (!rows.some((row) => row.owner === me)) this.#relayToken = undefined
  }
}

const quiet = (share: Share): boolean =>
  share.fetched.size === 0 &&
  [...share.cursors.values()].every((cursor) => cursor.open.size === 0 && cursor.read === cursor.next)

const samePlaces = (a: Share, b: Share): boolean =>
  [...a.cursors].every(([stream, cursor]) => b.cursors.get(stream)?.next === cursor.next)

async function reload(
  tx: StoreTx,
  reader: Reader,
  row: LaneRange,
  token: string,
): Promise<{ claimed: Claimed; waiting: WaitingKey[] }> {
  const lanes = { from: row.from, to: row.to }
  return {
    claimed: { lanes, token, clean: true, places: await places(tx, reader.id, row.from) },
    waiting: await takeOver(tx, reader, lanes),
  }
}

/**
 * The keys in trouble of lanes that were just taken over. Under key order, events that were in flight when later ones
 * were committed have lost their place in memory: they line up behind their key again.
 */
async function takeOver(tx: StoreTx, reader: Reader, lanes: LaneRange): Promise<WaitingKey[]> {
  // What the owner before did not know, this code may.
  await tx.run(
    "update skerry_exception set due = 0 where subscription = ? and state = 'unknown_version' and lane >= ? and lane < ?",
    reader.id,
    lanes.from,
    lanes.to,
  )
  if (!reader.ordered) return []
  const open = await tx.all<{ stream: string; key: string; lane: number; first: number }>(
    `select stream, key, lane, min(position) as first from skerry_exception
     where subscription = ? and state = 'open' and lane >= ? and lane < ? group by stream, key, lane`,
    reader.id,
    lanes.from,
    lanes.to,
  )
  const known = new Map((await waitingRows(tx, reader.id, lanes)).map((row) => [keyId(row.stream, row.key), row]))
  for (const head of open) {
    const before = known.get(keyId(head.stream, head.key))
    await putWaiting(tx, reader.id, {
      ...head,
      first: Math.min(head.first, before?.first ?? head.first),
      state: before?.state ?? 'released',
    })
  }
  if (open.length > 0) {
    await tx.run(
      "delete from skerry_exception where subscription = ? and state = 'open' and lane >= ? and lane < ?",
      reader.id,
      lanes.from,
      lanes.to,
    )
  }
  return (await waitingRows(tx, reader.id, lanes)).map((row) => ({ ...row, heads: undefined, known: undefined }))
}
