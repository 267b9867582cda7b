import type { ListedInstance, ListedService } from './messages.ts'

/** The load of a service: V are its instances, Rᵢ the requests that are under way at each as it says itself. */
export interface Sum {
  readonly service: string
  readonly ready: number
  readonly expected: number | undefined
  /** S = |V|. */
  readonly size: number
  /** L = Σ Rᵢ over those that say something. */
  readonly load: number
  readonly instances: readonly Part[]
  /** Why the figures are not to be taken at their word, a line each; none when everything adds up. */
  readonly gaps: readonly string[]
}

export interface Part extends ListedInstance {
  /** Part of the load, 0–1; undefined without one. */
  readonly share: number | undefined
}

/** An instance says its load once a second: what is older than this was not heard again, in milliseconds. */
const staleMs = 3000

export function addUp({ service, expected, settling, instances }: ListedService): Sum {
  const load = instances.reduce((sum, one) => sum + (one.load ?? 0), 0)
  const ready = instances.filter((one) => one.ready && one.hiddenBy === undefined).length
  const parts = instances.map((one) => ({
    ...one,
    share: one.load === undefined || load === 0 ? undefined : one.load / load,
  }))
  const gaps = [
    ...(settling ? ['the registry has just begun: some may not have come back yet'] : []),
    ...counts(instances, ready, expected),
    ...disagreements(instances),
    ...addresses(instances),
    ...loads(instances),
  ]
  return { service, ready, expected, size: instances.length, load, instances: parts, gaps }
}

function counts(instances: readonly ListedInstance[], ready: number, expected: number | undefined): string[] {
  const size = instances.length
  const idle = instances.filter((one) => !one.ready)
  const wanted = expected ?? size
  return [
    ...(size < wanted ? [`${wanted - size} of ${wanted} expected ${wanted - size === 1 ? 'is' : 'are'} missing`] : []),
    ...(size > wanted ? [`${size - wanted} more than the ${wanted} expected`] : []),
    ...(idle.length > 0 ? [`not ready: ${names(idle)}`] : []),
    ...(ready > 0 && instances.every((one) => !one.ready || one.weight === 0) ? ['nobody has a weight above 0'] : []),
    ...idle
      .filter((one) => (one.load ?? 0) > 0)
      .map((one) => `${one.id} is not ready, yet ${one.load} are under way there`),
  ]
}

function disagreements(instances: readonly ListedInstance[]): string[] {
  const said = new Set(instances.flatMap(({ expected }) => (expected === undefined ? [] : [expected])))
  return said.size > 1 ? [`instances expect different numbers: ${[...said].sort((a, b) => a - b).join(', ')}`] : []
}

function addresses(instances: readonly ListedInstance[]): string[] {
  return instances.flatMap(({ id, address, hiddenBy }) =>
    hiddenBy === undefined ? [] : [`${id} and ${hiddenBy} both say ${address}: only ${hiddenBy} gets calls`],
  )
}

function loads(instances: readonly ListedInstance[]): string[] {
  const silent = instances.filter(({ load }) => load === undefined)
  const stale = instances.filter(({ loadAgeMs = 0 }) => loadAgeMs > staleMs)
  return [
    ...(silent.length > 0 ? [`L is too low: ${names(silent)} ${silent.length > 1 ? 'say' : 'says'} no load`] : []),
    ...(stale.length > 0 ? [`the load is an old one of ${names(stale)}`] : []),
  ]
}

/** Some by name, and how many more. */
function names(instances: readonly ListedInstance[]): string {
  const shown = instances.slice(0, 3).map(({ id }) => id)
  const more = instances.length - shown.length
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
