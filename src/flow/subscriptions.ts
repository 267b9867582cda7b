import type { ReadTx, StoreTx } from '../store/store.ts'

/** What an operator does to whole subscriptions, in their store. Processes at work notice within a second. */

/** False when the store has no such subscription. A paused one takes up nothing; what is in flight is finished. */
export async function setPaused(tx: StoreTx, subscription: string, paused: boolean): Promise<boolean> {
  return (await tx.run('update skerry_subscription set paused = ? where name = ?', paused ? 1 : 0, subscription)) > 0
}

export async function subscriptionNames(tx: ReadTx): Promise<string[]> {
  const rows = await tx.all<{ name: string }>('select name from skerry_subscription order by name')
  return rows.map((row) => row.name)
}

/** All dead letters of a store, oldest first. */
export async function deadIds(tx: ReadTx): Promise<string[]> {
  const rows = await tx.all<{ id: string }>('select id from skerry_dead order by at, id')
  return rows.map((row) => row.id)
}

const tables = ['share', 'position', 'counter', 'exception', 'waiting', 'dead', 'once', 'journal'] as const

/** Removes all that a store keeps for a subscription, dead letters and results of `once` included. */
export async function forgetSubscription(tx: StoreTx, subscription: string): Promise<boolean> {
  for (const table of tables) await tx.run(`delete from skerry_${table} where subscription = ?`, subscription)
  return (await tx.run('delete from skerry_subscription where name = ?', subscription)) > 0
}
