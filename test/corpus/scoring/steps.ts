/** Every order on the way from one to another that changes the places of two neighbours at a time, both ends included. */
export function stepsBetween<T>(from: readonly T[], to: readonly T[]): (readonly T[])[] {
  const orders: (readonly T[])[] = [from]
  let now = [...from]
  for (const [place, wanted] of to.entries())
    for (let at = now.indexOf(wanted); at > place; at--) {
      now = [...now.slice(0, at - 1), now[at] as T, now[at - 1] as T, ...now.slice(at + 1)]
      orders.push(now)
    }
  return orders
}

/**
 * The two neighbours whose change of places makes a difference, where the first of these orders ends otherwise than the last:
 * found by halving, so that few of them are run.
 */
export async function firstStep<T>(
  orders: readonly (readonly T[])[],
  ending: (order: readonly T[]) => Promise<string>,
): Promise<readonly [T, T] | undefined> {
  let [low, high] = [0, orders.length - 1]
  const [first, last] = [orders[low], orders[high]]
  if (!first || !last || low === high) return undefined
  const start = await ending(first)
  if (start === (await ending(last))) return undefined
  // All that is run at or below `low` ends as the first does, what is run at `high` does not.
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if ((await ending(orders[middle] as readonly T[])) === start) low = middle
    else high = middle
  }
  const [before, after] = [orders[low] as readonly T[], orders[high] as readonly T[]]
  const at = before.findIndex((one, place) => one !== after[place])
  return [before[at] as T, after[at] as T]
}
