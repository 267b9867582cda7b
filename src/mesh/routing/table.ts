import type { Random } from '../../ids.ts'
import type { RequestAttributes, Source } from '../request.ts'
import type { CallRetryPolicy } from '../resilience/retry.ts'
import { happens, type InjectedFault, injectFault } from './fault.ts'
import { compileMatch, concerns, type Matched, type Matches, matchedPart } from './match.ts'
import type { CompilePattern } from './pattern.ts'
import { retryPolicy } from './retries.ts'
import {
  authorityOf,
  compileRewrite,
  type HeaderChanges,
  headerChanges,
  locationOf,
  type RewritePath,
} from './rewrite.ts'
import type { DestinationRef, HttpRoute, Percent, RouteRules } from './rules.ts'

/** What is to become of a request. */
export type RouteDecision =
  | {
      readonly kind: 'forward'
      /** The name of the route, where it has one; of the match after a dot. */
      readonly route: string | undefined
      readonly destination: DestinationRef
      readonly path: string
      readonly authority: string | undefined
      readonly request: HeaderChanges
      readonly response: HeaderChanges
      /** Who gets a copy, whose answers nobody waits for. */
      readonly mirrors: readonly DestinationRef[]
      readonly fault: InjectedFault | undefined
      /** For all tries together, in milliseconds; Infinity for none, nothing where the route does not say. */
      readonly timeoutMs: number | undefined
      readonly retry: CallRetryPolicy
    }
  | { readonly kind: 'redirect'; readonly status: number; readonly location: string; readonly response: HeaderChanges }
  | { readonly kind: 'respond'; readonly status: number; readonly body: string; readonly response: HeaderChanges }

export interface Compiling {
  readonly source: Source
  readonly compile: CompilePattern
  /** How calls are retried where a route does not say. */
  readonly retry: CallRetryPolicy
}

/** One match of one route, ready to be asked. */
export interface CompiledRoute {
  readonly matches: Matches
  readonly decide: (request: RequestAttributes, random: Random) => RouteDecision
}

/**
 * Routes in the order in which they are tried: that of the rules, and of the matches within a route. The first that matches decides,
 * however much better a later one would fit. What can never match for this client is left out.
 */
export function compileRoutes(rules: RouteRules, compiling: Compiling): readonly CompiledRoute[] {
  return (rules.http ?? []).flatMap((route) => {
    const matches = route.match?.length ? route.match : [undefined]
    return matches.flatMap((match) => {
      if (match && !concerns(match, compiling.source)) return []
      const name = match?.name ? `${route.name ?? ''}.${match.name}` : route.name
      return {
        matches: match ? compileMatch(match, compiling.compile) : () => true,
        decide: compileAction(route, name, matchedPart(match), compiling),
      }
    })
  })
}

/** The decision of the first route that matches; nothing where none does, which is answered by 404. */
export function decideRoute(
  routes: readonly CompiledRoute[],
  request: RequestAttributes,
  random: Random,
): RouteDecision | undefined {
  for (const route of routes) if (route.matches(request)) return route.decide(request, random)
  return undefined
}

function compileAction(
  route: HttpRoute,
  name: string | undefined,
  matched: Matched,
  compiling: Compiling,
): CompiledRoute['decide'] {
  const response = headerChanges('response', route.headers)
  const { redirect, directResponse } = route
  if (redirect) {
    const status = redirect.redirectCode || 301
    return (request) => ({ kind: 'redirect', status, location: locationOf(redirect, request, matched), response })
  }
  if (directResponse) {
    const { status = 200, body } = directResponse
    return () => ({ kind: 'respond', status, body: body?.string ?? '', response })
  }
  return compileForward(route, name, compileRewrite(route.rewrite, matched, compiling.compile), compiling.retry)
}

interface Target {
  readonly destination: DestinationRef
  readonly weight: number
  readonly authority: string | undefined
  readonly request: HeaderChanges
  readonly response: HeaderChanges
}

function compileForward(
  route: HttpRoute,
  name: string | undefined,
  rewritePath: RewritePath,
  usual: CallRetryPolicy,
): CompiledRoute['decide'] {
  const targets = targetsOf(route)
  const copies = copiesOf(route)
  const { fault } = route
  // Istio's API says so: with faults, timeouts and retries of a route are off.
  const retry = fault ? { ...usual, retries: 0 } : route.retries ? retryPolicy(route.retries, usual) : usual
  const timeoutMs = fault ? Number.POSITIVE_INFINITY : route.timeout
  return (request, random) => {
    const { destination, authority, request: changes, response } = pickTarget(targets, random)
    return {
      kind: 'forward',
      route: name,
      destination,
      path: rewritePath(request.path),
      authority,
      request: changes,
      response,
      mirrors: copies.length === 0 ? none : copies.filter((c) => happens(c.percentage, random)).map((c) => c.to),
      fault: fault && injectFault(fault, random),
      timeoutMs,
      retry,
    }
  }
}

const none: readonly DestinationRef[] = []

/** The weight of a single destination says nothing; of several, those of weight 0 get nothing. */
function targetsOf(route: HttpRoute): readonly Target[] {
  const all = route.route ?? []
  return all.flatMap(({ destination, weight = 0, headers }) => {
    if (!destination || (all.length > 1 && weight === 0)) return []
    return {
      destination,
      weight: all.length > 1 ? weight : 1,
      authority: authorityOf(route.rewrite, route.headers, headers),
      request: headerChanges('request', route.headers, headers),
      response: headerChanges('response', route.headers, headers),
    }
  })
}

function pickTarget(targets: readonly Target[], random: Random): Target {
  const [first] = targets as readonly [Target, ...Target[]]
  if (targets.length === 1) return first
  let place = random() * targets.reduce((sum, target) => sum + target.weight, 0)
  for (const target of targets) {
    place -= target.weight
    if (place < 0) return target
  }
  return first
}

/** A copy goes to everybody who is named, always, unless a percentage says otherwise. */
function copiesOf(route: HttpRoute): readonly { readonly to: DestinationRef; readonly percentage: Percent }[] {
  const { mirror, mirrors = [], mirrorPercentage, mirrorPercent = 100 } = route
  const one = mirror ? [{ to: mirror, percentage: mirrorPercentage ?? { value: mirrorPercent } }] : []
  const more = mirrors.flatMap(({ destination, percentage }) =>
    destination ? [{ to: destination, percentage: percentage ?? { value: 100 } }] : [],
  )
  return [...one, ...more]
}
