import type { RequestAttributes, Source } from '../request.ts'
import type { DestinationRules } from '../routing/destination.ts'
import { concerns, conditionsOf } from '../routing/match.ts'
import type { CompilePattern } from '../routing/pattern.ts'
import { rulesFor } from '../routing/read.ts'
import type { DestinationRef, HttpRoute, RouteMatch, RouteRules } from '../routing/rules.ts'
import { covers } from './covered.ts'

/** Where a share of the requests of a route goes. */
export interface ShownTarget {
  readonly host: string
  readonly subset?: string
  /** In percent of the requests that the route takes. */
  readonly percent: number
  /** The labels that an instance of the subset has. */
  readonly labels?: Readonly<Record<string, string>>
}

/** One line of a routing table: one match of one route. */
export interface ShownRoute {
  readonly name: string | undefined
  /** Each condition in words; none takes every request. */
  readonly match: readonly string[]
  readonly action: 'forward' | 'redirect' | 'respond'
  readonly targets: readonly ShownTarget[]
  /** Milliseconds; undefined where the route does not say. */
  readonly timeoutMs: number | undefined
  /** Tries after the first; undefined where the route does not say. */
  readonly retries: number | undefined
  /** What else it does to requests: `rewrite`, `mirror`, `fault`, `headers`. */
  readonly also: readonly string[]
  /** The number of a line before it, from 1, that takes all that this one would: no request comes so far. */
  readonly behind: number | undefined
}

/** What was found of one line for one request. */
export interface Considered extends ShownRoute {
  /** Undefined for the one that takes the request; else the first condition that is not met, or why it cannot be. */
  readonly missed: string | undefined
}

/** The table of one service as it is tried, from the first line on. A service without rules has one line, which takes everything. */
export function shownTable(
  service: string,
  routes: readonly RouteRules[],
  destinations: readonly DestinationRules[],
  compile: CompilePattern,
): readonly ShownRoute[] {
  return linesOf(service, routes).map(({ route, match, behind }) => shown(route, match, behind, destinations, compile))
}

/** Every line that is looked at for a request, up to the one that takes it, if any does. */
export function consider(
  request: RequestAttributes,
  source: Source,
  routes: readonly RouteRules[],
  destinations: readonly DestinationRules[],
  compile: CompilePattern,
): readonly Considered[] {
  const found: Considered[] = []
  for (const { route, match, behind } of linesOf(request.service, routes)) {
    const missed = match && missedBy(request, source, match, compile)
    found.push({ ...shown(route, match, behind, destinations, compile), missed })
    if (missed === undefined) break
  }
  return found
}

function linesOf(service: string, routes: readonly RouteRules[]) {
  const rules = rulesFor(service, routes)
  const direct = { route: [{ destination: { host: service } }] } as HttpRoute
  if (!rules) return [{ route: direct, match: undefined, behind: undefined }]
  const lines = (rules.http ?? []).flatMap((route) =>
    (route.match?.length ? route.match : [undefined]).map((match) => ({
      route,
      match: match as RouteMatch | undefined,
    })),
  )
  return lines.map((line, i) => {
    const before = lines.slice(0, i).findIndex(({ match }) => covers(match, line.match))
    return { ...line, behind: before < 0 ? undefined : before + 1 }
  })
}

function missedBy(
  request: RequestAttributes,
  source: Source,
  match: RouteMatch,
  compile: CompilePattern,
): string | undefined {
  if (!concerns(match, source)) return `it is for other callers: ${sourceOf(match).join(', ')}`
  const first = conditionsOf(match, compile).find(({ holds }) => !holds(request))
  return first && `not ${first.says}`
}

function sourceOf({ gateways = [], sourceLabels = {}, sourceNamespace }: RouteMatch): string[] {
  return [
    ...(gateways.length > 0 ? [`gateways ${gateways.join(' ')}`] : []),
    ...Object.entries(sourceLabels).map(([name, value]) => `source ${name}=${value}`),
    ...(sourceNamespace ? [`namespace ${sourceNamespace}`] : []),
  ]
}

function shown(
  route: HttpRoute,
  match: RouteMatch | undefined,
  behind: number | undefined,
  destinations: readonly DestinationRules[],
  compile: CompilePattern,
): ShownRoute {
  const also = (['rewrite', 'fault', 'headers'] as const).filter((name) => route[name] !== undefined) as string[]
  if (route.mirror || route.mirrors?.length) also.push('mirror')
  return {
    name: match?.name ? `${route.name ?? ''}.${match.name}` : route.name,
    match: match ? [...sourceOf(match), ...conditionsOf(match, compile).map(({ says }) => says)] : [],
    action: route.redirect ? 'redirect' : route.directResponse ? 'respond' : 'forward',
    targets: targetsOf(route, destinations),
    timeoutMs: route.fault ? undefined : route.timeout,
    retries: route.retries?.attempts,
    also,
    behind,
  }
}

function targetsOf({ route = [] }: HttpRoute, destinations: readonly DestinationRules[]): readonly ShownTarget[] {
  const all = route.length === 1 ? [{ ...route[0], weight: 1 }] : route.filter(({ weight = 0 }) => weight > 0)
  const sum = all.reduce((total, { weight = 0 }) => total + weight, 0)
  return all.flatMap(({ destination, weight = 0 }) =>
    destination ? [{ ...targetOf(destination, destinations), percent: Math.round((1000 * weight) / sum) / 10 }] : [],
  )
}

function targetOf({ host = '', subset }: DestinationRef, destinations: readonly DestinationRules[]) {
  if (!subset) return { host }
  const labels = destinations.find((one) => one.host === host)?.subsets?.find(({ name }) => name === subset)?.labels
  return { host, subset, labels: labels ?? {} }
}
