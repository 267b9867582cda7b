import type { Position } from '../event.ts'
import { laneCount } from '../keys.ts'
import type { ReadTx, StoreTx } from '../store/store.ts'
import { type LanePlan, type LaneRange, type Owned, planLanes } from './lanes.ts'

/** One row of the table of shares: a run of lanes, and who serves it. */
export interface ShareRow extends LaneRange {
  readonly owner: string | undefined
  readonly token: string | undefined
  readonly expires: number
  readonly clean: boolean
}

interface StoredShare {
  readonly lane_from: number
  readonly lane_to: number
  readonly owner: string | null
  readonly token: string | null
  readonly expires: number
  readonly clean: number
}

/** A member's name begins with its boot, so that a lease from before a restart of the machine counts as expired. */
export const memberName = (boot: string, pid: number, random: string): string => `${boot}.${pid}.${random}`

export async function shareRows(tx: ReadTx, subscription: string): Promise<ShareRow[]> {
  const rows = await tx.all<StoredShare>(
    'select * from skerry_share where subscription = ? order by lane_from',
    subscription,
  )
  return rows.map((row) => ({
    from: row.lane_from,
    to: row.lane_to,
    owner: row.owner ?? undefined,
    token: row.token ?? undefined,
    expires: row.expires,
    clean: row.clean === 1,
  }))
}

/** Creates the first row of a new subscription: all lanes, nobody's, at the given places. */
export async function foundShares(
  tx: StoreTx,
  subscription: string,
  places: Readonly<Record<string, Position>>,
): Promise<void> {
  await tx.run('insert into skerry_share (subscription, lane_from, lane_to) values (?, 0, ?)', subscription, laneCount)
  for (const [stream, next] of Object.entries(places)) {
    await tx.run(
      'insert into skerry_position (subscription, lane_from, stream, next) values (?, 0, ?, ?)',
      subscription,
      stream,
      next,
    )
  }
}

/** Adds a stream that a subscription did not read before, to all of its shares. */
export async function addStream(tx: StoreTx, subscription: string, stream: string, next: Position): Promise<void> {
  await tx.run(
    `insert into skerry_position (subscription, lane_from, stream, next)
     select subscription, lane_from, ?, ? from skerry_share where subscription = ?
     on conflict (subscription, lane_from, stream) do nothing`,
    stream,
    next,
    subscription,
  )
}

export interface Who {
  readonly me: string
  readonly members: readonly string[]
  /** Time of leases, in milliseconds. */
  readonly now: number
  readonly leaseMs: number
  /** True where all are on one machine: a lease from before its last start counts as expired. */
  readonly oneMachine: boolean
}

export function planFor(rows: readonly ShareRow[], who: Who): LanePlan {
  return planLanes(
    rows.map((row) => owned(row, who)),
    who.me,
    who.members,
  )
}

function owned(row: ShareRow, who: Who): Owned {
  const boot = who.me.split('.')[0]
  // Who asks is alive, however long it slept: its own lease is as good as renewed until somebody takes the share.
  const expired =
    row.owner !== undefined &&
    row.owner !== who.me &&
    (row.expires <= who.now || (who.oneMachine && row.owner.split('.')[0] !== boot))
  return { from: row.from, to: row.to, owner: row.owner, expired }
}

/** A share that was just claimed. */
export interface Claimed {
  readonly lanes: LaneRange
  readonly token: string
  /** False when the owner before did not hand over: it crashed, or lost its lease. */
  readonly clean: boolean
  readonly places: Readonly<Record<string, Position>>
}

/** Takes parts of free shares, after looking again inside the transaction that they are free. */
export async function claim(
  tx: StoreTx,
  subscription: string,
  parts: readonly LaneRange[],
  who: Who,
  newToken: () => string,
): Promise<Claimed[]> {
  const claimed: Claimed[] = []
  for (const part of planFor(await shareRows(tx, subscription), who).claim) {
    if (!parts.some((wanted) => wanted.from <= part.from && part.to <= wanted.to)) continue
    if (!(await atRest(tx, subscription, part))) continue
    await split(tx, subscription, part.from)
    await split(tx, subscription, part.to)
    for (const row of await shareRows(tx, subscription)) {
      if (row.from < part.from || row.to > part.to) continue
      const token = newToken()
      await tx.run(
        'update skerry_share set owner = ?, token = ?, expires = ?, clean = 0 where subscription = ? and lane_from = ?',
        who.me,
        token,
        who.now + who.leaseMs,
        subscription,
        row.from,
      )
      claimed.push({
        lanes: { from: row.from, to: row.to },
        token,
        clean: row.clean,
        places: await places(tx, subscription, row.from),
      })
    }
  }
  return claimed
}

/**
 * True when no transaction holds the share's rows: that of a process which was stopped in the middle must keep nobody else from
 * their own lanes. Locks them.
 */
export async function atRest(tx: StoreTx, subscription: string, lanes: LaneRange): Promise<boolean> {
  if (tx.dialect !== 'postgres') return true
  const where = 'from skerry_share where subscription = ? and lane_from < ? and lane_to > ?'
  const free = await tx.all(`select 1 ${where} for update skip locked`, subscription, lanes.to, lanes.from)
  return free.length === (await tx.all(`select 1 ${where}`, subscription, lanes.to, lanes.from)).length
}

/** Hands a share over: the next owner knows that nothing was going on. */
export async function release(tx: StoreTx, subscription: string, lanes: LaneRange, token: string): Promise<boolean> {
  const changed = await tx.run(
    'update skerry_share set owner = null, token = null, expires = 0, clean = 1 where subscription = ? and lane_from = ? and token = ?',
    subscription,
    lanes.from,
    token,
  )
  return changed === 1
}

/** True while the share is still ours: the fence before every commit. */
export async function holds(tx: ReadTx, subscription: string, lanes: LaneRange, token: string): Promise<boolean> {
  // Locked where others write meanwhile: whoever takes the share away waits for this transaction, which fails if it is late.
  const lock = tx.dialect === 'postgres' ? ' for share' : ''
  const [row] = await tx.all<{ token: string | null; lane_to: number }>(
    `select token, lane_to from skerry_share where subscription = ? and lane_from = ?${lock}`,
    subscription,
    lanes.from,
  )
  return row?.token === token && row.lane_to === lanes.to
}

export async function renew(tx: StoreTx, me: string, until: number): Promise<void> {
  await tx.run('update skerry_share set expires = ? where owner = ?', until, me)
}

export async function setPlace(
  tx: StoreTx,
  subscription: string,
  lanes: LaneRange,
  stream: string,
  next: Position,
): Promise<void> {
  // The row is there. Written so, PostgreSQL does not count it as read, which batches of other shares could conflict with.
  await tx.run(
    `insert into skerry_position (subscription, lane_from, stream, next) values (?, ?, ?, ?)
     on conflict (subscription, lane_from, stream) do update set next = excluded.next`,
    subscription,
    lanes.from,
    stream,
    next,
  )
}

/**
 * Joins neighbouring shares of one owner that stand at the same places, so that splitting leaves no debris.
 * Returns whether anything was joined.
 */
export async function join(
  tx: StoreTx,
  subscription: string,
  left: LaneRange,
  right: LaneRange,
  tokens: { readonly left: string; readonly right: string },
): Promise<boolean> {
  if (!(await holds(tx, subscription, left, tokens.left)) || !(await holds(tx, subscription, right, tokens.right)))
    return false
  const a = await places(tx, subscription, left.from)
  const b = await places(tx, subscription, right.from)
  if (left.to !== right.from || JSON.stringify(a) !== JSON.stringify(b)) return false
  await tx.run('delete from skerry_share where subscription = ? and lane_from = ?', subscription, right.from)
  await tx.run('delete from skerry_position where subscription = ? and lane_from = ?', subscription, right.from)
  await tx.run(
    'update skerry_share set lane_to = ? where subscription = ? and lane_from = ?',
    right.to,
    subscription,
    left.from,
  )
  return true
}

export async function places(tx: ReadTx, subscription: string, laneFrom: number): Promise<Record<string, Position>> {
  const rows = await tx.all<{ stream: string; next: number }>(
    'select stream, next from skerry_position where subscription = ? and lane_from = ? order by stream',
    subscription,
    laneFrom,
  )
  return Object.fromEntries(rows.map((row) => [row.stream, row.next]))
}

/** Cuts the share around `lane` in two there; nothing happens at an edge. */
async function split(tx: StoreTx, subscription: string, lane: number): Promise<void> {
  const row = (await shareRows(tx, subscription)).find((share) => share.from < lane && lane < share.to)
  if (!row) return
  await tx.run(
    `insert into skerry_share (subscription, lane_from, lane_to, owner, token, expires, clean)
     select subscription, ?, lane_to, owner, token, expires, clean from skerry_share where subscription = ? and lane_from = ?`,
    lane,
    subscription,
    row.from,
  )
  await tx.run(
    'update skerry_share set lane_to = ? where subscription = ? and lane_from = ?',
    lane,
    subscription,
    row.from,
  )
  await tx.run(
    `insert into skerry_position (subscription, lane_from, stream, next)
     select subscription, ?, stream, next from skerry_position where subscription = ? and lane_from = ?`,
    lane,
    subscription,
    row.from,
  )
}

/** Hands over parts of an own share: cuts it and frees the parts; what is left keeps its token. */
export async function releaseParts(
  tx: StoreTx,
  subscription: string,
  share: LaneRange & { readonly token: string },
  parts: readonly LaneRange[],
): Promise<void> {
  for (const part of parts) {
    await split(tx, subscription, part.from)
    await split(tx, subscription, part.to)
    await release(tx, subscription, part, share.token)
  }
}
