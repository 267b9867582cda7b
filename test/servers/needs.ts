import type { ServerName } from './kinds.ts'
import { remedyFor, serverNames, serverVersion } from './servers.ts'

/**
 * For `describe(name, { skip: missing('nats-server') }, …)`: the line that says how to get a server which this machine does
 * not have, or false. `SKERRY_TEST_SERVERS` says which must be there, so that a missing one fails the run: `all`, or some names
 * separated by commas; then the tests on others are left out.
 */
export function missing(...names: readonly ServerName[]): string | false {
  const wanted = process.env.SKERRY_TEST_SERVERS ?? ''
  const chosen = chosenFrom(wanted)
  const leftOut = wanted !== '' && wanted !== 'all' && names.filter((name) => !chosen.includes(name))
  if (leftOut && leftOut.length > 0) return `${leftOut.join(' and ')}: left out by SKERRY_TEST_SERVERS=${wanted}`
  const absent = names.filter((name) => serverVersion(name) === undefined)
  if (absent.length === 0) return false
  const reason = `${absent.join(' and ')} missing; ${absent.map(remedyFor).join('; ')}`
  if (wanted !== '') throw new Error(reason)
  return reason
}

/** A name that is written wrongly would leave out what it should demand. */
function chosenFrom(wanted: string): readonly string[] {
  if (wanted === '' || wanted === 'all') return []
  const chosen = wanted.split(',')
  const unknown = chosen.filter((name) => !serverNames.some((known) => known === name))
  if (unknown.length === 0) return chosen
  throw new Error(`SKERRY_TEST_SERVERS names ${unknown.join(', ')}; there are all, or some of ${serverNames.join(',')}`)
}
