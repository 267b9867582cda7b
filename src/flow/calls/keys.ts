import { SkerryError } from '../../errors.ts'
import type { ReadTx, StoreTx } from '../../store/store.ts'

/** One idempotency key of one call, and what came with it. */
export interface Keyed {
  readonly call: string
  readonly key: string
  /** Of the input: the same key with another one is a mistake of the caller's. */
  readonly digest: string
  /** Who runs it: of several that run it after one another, only the last may commit. */
  readonly owner: string
  /** Wall time after which the answer is forgotten. */
  readonly forget: number
}

/** What a call ended with: JSON of its output, or of what goes with the reason for which it was refused. */
export interface Answer {
  readonly reason: string | null
  readonly text: string
}

export type Known =
  | { readonly state: 'new' }
  | { readonly state: 'running'; readonly owner: string; readonly until: number }
  | { readonly state: 'answered'; readonly answer: Answer }

interface KeyRow {
  readonly digest: string
  readonly owner: string
  readonly until: number
  readonly reason: string | null
  readonly answer: string | null
}

/** What is known of a key. Throws `key_reused` when it came with another input. */
export async function known(tx: ReadTx, { call, key, digest }: Keyed, wall: number): Promise<Known> {
  const [row] = await tx.all<KeyRow>(
    'select digest, owner, until, reason, answer from skerry_call where call = ? and key = ? and forget > ?',
    call,
    key,
    wall,
  )
  if (!row) return { state: 'new' }
  if (row.digest !== digest)
    throw new SkerryError('key_reused', `${call}: its idempotency key came before, with another input; use a new one`)
  if (row.answer === null) return { state: 'running', owner: row.owner, until: row.until }
  return { state: 'answered', answer: { reason: row.reason, text: row.answer } }
}

/** Writes down that a call is being run, until a wall time; for those that do something outside before they commit. */
export async function intend(tx: StoreTx, keyed: Keyed, until: number): Promise<void> {
  await put(tx, keyed, until, null)
}

export async function remember(tx: StoreTx, keyed: Keyed, answer: Answer): Promise<void> {
  await put(tx, keyed, 0, answer)
}

async function put(tx: StoreTx, keyed: Keyed, until: number, answer: Answer | null): Promise<void> {
  await tx.run(
    `insert into skerry_call (call, key, digest, owner, until, reason, answer, forget) values (?, ?, ?, ?, ?, ?, ?, ?)
     on conflict (call, key) do update set digest = excluded.digest, owner = excluded.owner, until = excluded.until,
       reason = excluded.reason, answer = excluded.answer, forget = excluded.forget`,
    keyed.call,
    keyed.key,
    keyed.digest,
    keyed.owner,
    until,
    answer?.reason ?? null,
    answer?.text ?? null,
    keyed.forget,
  )
}

/** It came to nothing: whoever calls again need not wait. */
export async function withdraw(tx: StoreTx, { call, key, owner }: Keyed): Promise<void> {
  await tx.run('delete from skerry_call where call = ? and key = ? and owner = ? and answer is null', call, key, owner)
}

/** What stands for a stream in what a call derives; streams of services never meet it, since ids differ. */
export const callStream = 'calls'
const forgetOnceMs = 7 * 24 * 3_600_000

/** Most keys that are forgotten in one transaction: it must stay short. */
export const forgetLimit = 1000

/** True when there may be more. */
export async function forgetKeys(tx: StoreTx, wall: number): Promise<boolean> {
  const forgotten = await tx.run(
    'delete from skerry_call where (call, key) in (select call, key from skerry_call where forget <= ? limit ?)',
    wall,
    forgetLimit,
  )
  // What a call did outside that came to nothing and was not tried again.
  await tx.run(`delete from skerry_once where stream = ? and at <= ?`, callStream, wall - forgetOnceMs)
  return forgotten === forgetLimit
}
