import type { Endpoint } from '../../endpoint.ts'
import type { View } from '../watching.ts'
import type { ServiceView } from './messages.ts'

/**
 * What a client knows of a service once a registry has said what it knows. One that has just begun may not know everybody yet: who
 * was known before stays until it is seen again, is replaced at its address, or the registry has settled.
 */
export function told(before: View | undefined, { endpoints, expected, seen }: ServiceView): View {
  if (!seen) return { endpoints, ...(expected !== undefined && { expected }), freshness: 'live' }
  const wanted = expected ?? before?.expected
  return {
    endpoints: [...endpoints, ...notSeen(before?.endpoints ?? [], endpoints, new Set(seen))],
    ...(wanted !== undefined && { expected: wanted }),
    freshness: 'settling',
  }
}

/** What is known once the connection to the registry has ended. */
export function lost(view: View): View {
  return { ...view, freshness: 'kept' }
}

function notSeen(before: readonly Endpoint[], said: readonly Endpoint[], seen: ReadonlySet<string>): Endpoint[] {
  const addresses = new Set(said.map(({ address }) => address))
  return before.filter(({ id, address }) => !seen.has(id) && !addresses.has(address))
}
