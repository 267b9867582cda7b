import { checkRoute } from './check-route.ts'
import { type Problem, unknown } from './fields.ts'
import { checkHost, checkLabels, checkMatchedHeader, checkPort, hostsOverlap, isLabel } from './names.ts'
import { type CompilePattern, checkPattern } from './pattern.ts'
import type { DestinationRef, HttpRoute, RouteMatch, RouteRules, StringMatch } from './rules.ts'

/** What Istio's validation says of a VirtualService, beyond its shape. */
export function checkRules(rules: RouteRules, compile: CompilePattern, problems: Problem[]): void {
  const { hosts = [], http = [] } = rules
  const before = problems.length
  if (hosts.length === 0) problems.push({ path: 'hosts', message: 'at least one host is required' })
  for (const [i, host] of hosts.entries()) {
    checkHost(host, `hosts[${i}]`, problems)
    if (host === '*' && appliesToMesh(rules))
      problems.push({ path: `hosts[${i}]`, message: "the wildcard '*' is not allowed for calls within the mesh" })
  }
  if (problems.length === before) checkDuplicates(hosts, problems)
  for (const [i, gateway] of (rules.gateways ?? []).entries()) checkGateway(gateway, `gateways[${i}]`, problems)
  if (http.length === 0) problems.push({ path: 'http', message: 'at least one route is required' })
  for (const [i, route] of http.entries()) {
    checkMatches(route, `http[${i}]`, compile, problems)
    checkRoute(route, `http[${i}]`, compile, problems)
  }
}

/** Rules without gateways, or with the gateway `mesh`, are for clients; others are for gateways. */
export function appliesToMesh(rules: RouteRules): boolean {
  return !rules.gateways?.length || rules.gateways.includes('mesh')
}

function checkDuplicates(hosts: readonly string[], problems: Problem[]): void {
  for (const [j, host] of hosts.entries())
    for (const other of hosts.slice(0, j))
      if (hostsOverlap(other, host))
        problems.push({
          path: `hosts[${j}]`,
          message: `'${host}' and '${other}' are the same, or one covers the other`,
        })
}

function checkGateway(gateway: string, path: string, problems: Problem[]): void {
  const parts = gateway.split('/')
  if (parts.length === 1) checkHost(gateway, path, problems)
  else if (parts.length !== 2 || !parts.every(isLabel))
    problems.push({ path, message: `'${gateway}' is not a gateway: write namespace/name` })
}

function checkMatches(route: HttpRoute, path: string, compile: CompilePattern, problems: Problem[]): void {
  for (const [i, match] of (route.match ?? []).entries()) checkMatch(match, `${path}.match[${i}]`, compile, problems)
}

function checkMatch(match: RouteMatch, path: string, compile: CompilePattern, problems: Problem[]): void {
  const string = (of: StringMatch, at: string, empty = false): void => checkString(of, at, empty, compile, problems)
  if (match.uri) string(match.uri, `${path}.uri`, true)
  for (const field of ['scheme', 'method', 'authority'] as const) {
    const of = match[field]
    if (of) string(of, `${path}.${field}`)
  }
  for (const [name, of] of Object.entries(match.headers ?? {})) {
    checkMatchedHeader(name, `${path}.headers.${name}`, problems)
    string(of, `${path}.headers.${name}`)
  }
  for (const [name, of] of Object.entries(match.withoutHeaders ?? {})) {
    checkMatchedHeader(name, `${path}.withoutHeaders.${name}`, problems)
    if (of.regex !== '*') string(of, `${path}.withoutHeaders.${name}`)
  }
  for (const [name, of] of Object.entries(match.queryParams ?? {})) string(of, `${path}.queryParams.${name}`)
  if (match.port) checkPort(match.port, `${path}.port`, problems)
  if (match.sourceLabels) checkLabels(match.sourceLabels, `${path}.sourceLabels`, problems)
  if (match.sourceNamespace && !isLabel(match.sourceNamespace))
    problems.push({ path: `${path}.sourceNamespace`, message: `'${match.sourceNamespace}' is not a namespace` })
  for (const [i, gateway] of (match.gateways ?? []).entries()) checkGateway(gateway, `${path}.gateways[${i}]`, problems)
}

function checkString(
  of: StringMatch,
  path: string,
  emptyPrefix: boolean,
  compile: CompilePattern,
  problems: Problem[],
): void {
  const given = Object.keys(of)
  if (given.length > 1) problems.push({ path, message: `has ${given.join(' and ')}; only one of them can be set` })
  if (of.prefix === '' && !emptyPrefix) problems.push({ path: `${path}.prefix`, message: 'cannot be empty' })
  if (of.regex !== undefined) checkPattern(of.regex, `${path}.regex`, compile, problems)
}

/** Subsets that no policy defines: requests for them would all fail. `subsets` gives those of a host. */
export function checkSubsets(rules: RouteRules, subsets: (host: string) => readonly string[]): Problem[] {
  const problems: Problem[] = []
  const check = (to: DestinationRef | undefined, path: string): void => {
    if (!to?.subset || to.host === undefined) return
    const known = subsets(to.host)
    if (!known.includes(to.subset))
      problems.push({ path: `${path}.subset`, message: `${unknown('subset', to.subset, known)} (of '${to.host}')` })
  }
  for (const [i, http] of (rules.http ?? []).entries()) {
    for (const [j, one] of (http.route ?? []).entries()) check(one.destination, `http[${i}].route[${j}].destination`)
    check(http.mirror, `http[${i}].mirror`)
    for (const [j, one] of (http.mirrors ?? []).entries())
      check(one.destination, `http[${i}].mirrors[${j}].destination`)
  }
  return problems
}
