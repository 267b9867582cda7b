import { SkerryError } from '../../errors.ts'
import type { Source } from '../request.ts'
import { checkSubsets } from '../routing/check.ts'
import type { DestinationRules } from '../routing/destination.ts'
import type { Problem, Read } from '../routing/fields.ts'
import type { CompilePattern } from '../routing/pattern.ts'
import { type Reading, readDestinationRules, readRouteRules, rulesFor } from '../routing/read.ts'
import type { RouteRules } from '../routing/rules.ts'
import { type CompiledRoute, compileRoutes } from '../routing/table.ts'
import { type Policy, readPolicy, type ServicePolicy, servicePolicy } from './policy.ts'

/** What a client is told about the services that it calls. */
export interface MeshRules {
  /** Each is the `spec` of an Istio VirtualService; durations are milliseconds, or text such as `1.5s`. */
  readonly routes?: readonly RouteRules[]
  /** Each is the `spec` of an Istio DestinationRule. */
  readonly destinations?: readonly DestinationRules[]
  readonly policies?: readonly Policy[]
}

/** One of them, and where it stands: `routes[0]`, or `spec` of a document of its own. */
export interface Given {
  readonly kind: 'routes' | 'destinations' | 'policies'
  readonly path: string
  readonly value: unknown
  /** Where it comes from, for whoever knows places within a file. */
  readonly document?: number
}

export interface Wrong extends Problem {
  readonly document?: number
}

/** The rules as they are used; every problem is told at once. */
export interface ReadRules {
  readonly rules: Required<MeshRules>
  readonly problems: readonly Wrong[]
}

/** Reads each, and then checks them against each other: no route may name a subset that nobody declares, no host has two of one kind. */
export function readRules(all: readonly Given[], compile: CompilePattern): ReadRules {
  const problems: Wrong[] = []
  const told = (given: Given, found: readonly Problem[]): void => {
    for (const { path, message } of found) problems.push({ ...given, path: joined(given.path, path), message })
  }
  const read = <T>(kind: Given['kind'], how: (value: unknown) => Reading<T>): { given: Given; value: T }[] =>
    all.flatMap((given) => {
      if (given.kind !== kind) return []
      const { value, problems: found } = how(given.value)
      told(given, found)
      return found.length > 0 ? [] : [{ given, value }]
    })
  const routes = read('routes', (value) => readRouteRules(value, compile))
  const destinations = read('destinations', readDestinationRules)
  const policies = read('policies', (value) => reading(value, readPolicy))
  for (const list of [destinations, policies])
    for (const [i, { given, value }] of list.entries())
      if (list.slice(0, i).some((other) => other.value.host === value.host))
        told(given, [{ path: 'host', message: `there is another one for '${value.host}'; write them as one` }])
  const subsets = (host: string): string[] =>
    destinations
      .filter(({ value }) => value.host === host)
      .flatMap(({ value }) => (value.subsets ?? []).map((s) => s.name ?? ''))
  // What could not be read may have declared them.
  if (problems.length === 0) for (const { given, value } of routes) told(given, checkSubsets(value, subsets))
  const values = <T>(list: readonly { value: T }[]): T[] => list.map(({ value }) => value)
  return {
    rules: { routes: values(routes), destinations: values(destinations), policies: values(policies) },
    problems,
  }
}

/** What is written in code: the same, without lines. Throws `invalid_config` with every problem on a line of its own. */
export function acceptRules(rules: MeshRules, compile: CompilePattern): Required<MeshRules> {
  const given = (['routes', 'destinations', 'policies'] as const).flatMap((kind) =>
    (rules[kind] ?? []).map((value, i) => ({ kind, path: `${kind}[${i}]`, value })),
  )
  const read = readRules(given, compile)
  if (read.problems.length === 0) return read.rules
  throw new SkerryError(
    'invalid_config',
    read.problems.map(({ path, message }) => `rules: ${path} ${message}`).join('\n'),
  )
}

function reading<T>(value: unknown, read: Read<T>): Reading<T> {
  const problems: Problem[] = []
  return { value: read(value, '', problems) as T, problems }
}

function joined(before: string, path: string): string {
  return path === '' || path.startsWith('[') ? `${before}${path}` : `${before}.${path}`
}

/** Rules made ready for a client, worked out for each service when it is first called. */
export interface CompiledRules {
  readonly routes: { get(service: string): readonly CompiledRoute[] | undefined }
  readonly destinations: { get(service: string): DestinationRules | undefined }
  readonly policies: { get(service: string): ServicePolicy | undefined }
}

export function compileRules(rules: Required<MeshRules>, source: Source, compile: CompilePattern): CompiledRules {
  const policies = once((service) => servicePolicy(policyFor(service, rules.policies)))
  return {
    policies,
    destinations: once((service) => rules.destinations.find(({ host }) => host === service)),
    routes: once((service) => {
      const found = rulesFor(service, rules.routes)
      const { retry } = policies.get(service) as ServicePolicy
      return found && compileRoutes(found, { source, compile, retry })
    }),
  }
}

/** The one that names the service, else the one for all. */
export function policyFor(service: string, policies: readonly Policy[]): Policy | undefined {
  return policies.find(({ host }) => host === service) ?? policies.find(({ host }) => host === '*')
}

function once<T>(work: (service: string) => T): { get(service: string): T | undefined } {
  const known = new Map<string, T>()
  return {
    get(service) {
      if (!known.has(service)) known.set(service, work(service))
      return known.get(service)
    },
  }
}
