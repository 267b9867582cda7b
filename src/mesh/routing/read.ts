import { SkerryError } from '../../errors.ts'
import { appliesToMesh, checkRules } from './check.ts'
import { checkDestinationRules } from './check-destination.ts'
import { type DestinationRules, destinationRules } from './destination.ts'
import type { Problem, Read } from './fields.ts'
import type { CompilePattern } from './pattern.ts'
import { type RouteRules, routeRules } from './rules.ts'

/** What was read, and everything that is wrong with it. Whoever knows lines and files adds them to the paths. */
export interface Reading<T> {
  readonly value: T
  readonly problems: readonly Problem[]
}

/** Reads the `spec` of a VirtualService. */
export function readRouteRules(given: unknown, compile: CompilePattern): Reading<RouteRules> {
  return reading(given, routeRules, (rules, problems) => checkRules(rules, compile, problems))
}

/** Reads the `spec` of a DestinationRule. */
export function readDestinationRules(given: unknown): Reading<DestinationRules> {
  return reading(given, destinationRules, checkDestinationRules)
}

/** What is out of shape is told before what it would mean: one mistake gives one problem. */
function reading<T extends object>(
  given: unknown,
  shape: Read<T>,
  check: (value: T, problems: Problem[]) => void,
): Reading<T> {
  const problems: Problem[] = []
  const value = shape(given, '', problems) ?? ({} as T)
  if (problems.length === 0) check(value, problems)
  return { value, problems }
}

/** The value, or `invalid_config` with every problem on a line of its own. `label` says where it comes from. */
export function accepted<T>({ value, problems }: Reading<T>, label: string): T {
  if (problems.length === 0) return value
  const lines = problems.map(({ path, message }) => `${label}: ${path === '' ? '' : `${path} `}${message}`)
  throw new SkerryError('invalid_config', lines.join('\n'))
}

/**
 * The rules for a service: those that name it, else those with the longest wildcard that covers it; of several the first. Rules for
 * gateways alone are not for clients.
 */
export function rulesFor(service: string, all: readonly RouteRules[]): RouteRules | undefined {
  let found: { readonly rules: RouteRules; readonly length: number } | undefined
  for (const rules of all) {
    if (!appliesToMesh(rules)) continue
    for (const host of rules.hosts ?? []) {
      if (host === service) return rules
      if (host.startsWith('*') && service.endsWith(host.slice(1)) && host.length > (found?.length ?? 0))
        found = { rules, length: host.length }
    }
  }
  return found?.rules
}
