import type { ServiceName } from '../services.ts'

/** In at least two processes each: they compete for the same events. */
const inPairs: readonly ServiceName[] = ['orders', 'orders', 'inventory', 'inventory']
const alone: readonly ServiceName[] = ['carts', 'ledger', 'users']
/** What more processes than that are best used for. */
const spare: readonly ServiceName[] = ['orders', 'inventory', 'carts']

/** Which services run in which of `processes` (at least two) processes; never one of them twice in the same. */
export function placement(processes: number): ServiceName[][] {
  const copies = [...inPairs, ...alone]
  for (let more = 0; copies.length < processes; more++) copies.push(spare[more % spare.length] as ServiceName)
  return Array.from({ length: processes }, (_, process) => copies.filter((_, at) => at % processes === process))
}
