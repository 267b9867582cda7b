import type { ConnectionPool, DestinationRules, LoadBalancer, OutlierDetection, TrafficPolicy } from './destination.ts'
import type { Problem } from './fields.ts'
import { checkHost, checkLabels, checkPort, isLabel } from './names.ts'

/** What Istio's validation says of a DestinationRule, beyond its shape. */
export function checkDestinationRules(rules: DestinationRules, problems: Problem[]): void {
  if (rules.host) checkHost(rules.host, 'host', problems)
  else problems.push({ path: 'host', message: 'is required' })
  if (rules.trafficPolicy) checkPolicy(rules.trafficPolicy, 'trafficPolicy', problems)
  const seen = new Set<string>()
  for (const [i, { name = '', labels, trafficPolicy }] of (rules.subsets ?? []).entries()) {
    const path = `subsets[${i}]`
    if (!isLabel(name)) problems.push({ path: `${path}.name`, message: `'${name}' is not a name of a subset` })
    if (seen.has(name)) problems.push({ path: `${path}.name`, message: `there is another subset '${name}'` })
    seen.add(name)
    if (labels) checkLabels(labels, `${path}.labels`, problems)
    if (trafficPolicy) checkPolicy(trafficPolicy, `${path}.trafficPolicy`, problems)
  }
}

function checkPolicy(policy: TrafficPolicy, path: string, problems: Problem[]): void {
  if (Object.keys(policy).length === 0) problems.push({ path, message: 'must have at least one field' })
  checkSettings(policy, path, problems)
  for (const [i, settings] of (policy.portLevelSettings ?? []).entries()) {
    const at = `${path}.portLevelSettings[${i}]`
    if (settings.port) checkPort(settings.port.number ?? 0, `${at}.port.number`, problems)
    else problems.push({ path: `${at}.port`, message: 'is required' })
    if (Object.keys(settings).every((field) => field === 'port'))
      problems.push({ path: at, message: 'must have at least one field beside its port' })
    checkSettings(settings, at, problems)
  }
  within(policy.retryBudget?.percent ?? 0, 0, 100, `${path}.retryBudget.percent`, problems)
}

function checkSettings(
  settings: { loadBalancer?: LoadBalancer; connectionPool?: ConnectionPool; outlierDetection?: OutlierDetection },
  path: string,
  problems: Problem[],
): void {
  const { loadBalancer, connectionPool, outlierDetection } = settings
  if (loadBalancer) checkBalancer(loadBalancer, `${path}.loadBalancer`, problems)
  if (connectionPool) checkPool(connectionPool, `${path}.connectionPool`, problems)
  for (const field of ['maxEjectionPercent', 'minHealthPercent'] as const)
    within(outlierDetection?.[field] ?? 0, 0, 100, `${path}.outlierDetection.${field}`, problems)
  for (const field of ['consecutiveGatewayErrors', 'consecutive5xxErrors'] as const)
    within(outlierDetection?.[field] ?? 0, 0, 2 ** 32 - 1, `${path}.outlierDetection.${field}`, problems)
}

function checkPool(pool: ConnectionPool, path: string, problems: Problem[]): void {
  if (!pool.http && !pool.tcp) problems.push({ path, message: 'must have at least one field' })
  for (const part of ['http', 'tcp'] as const)
    for (const [field, value] of Object.entries(pool[part] ?? {}))
      within(value, 0, Number.POSITIVE_INFINITY, `${path}.${part}.${field}`, problems)
}

function within(value: number, least: number, most: number, path: string, problems: Problem[]): void {
  if (value >= least && value <= most) return
  const range = most === Number.POSITIVE_INFINITY ? `less than ${least}` : `not within ${least}–${most}`
  problems.push({ path, message: `${value} is ${range}` })
}

function checkBalancer(balancer: LoadBalancer, path: string, problems: Problem[]): void {
  const { simple, consistentHash: hash, warmup } = balancer
  const say = (at: string, message: string): void => void problems.push({ path: `${path}.${at}`, message })
  if (simple === 'PASSTHROUGH') say('simple', 'is not supported: calls go to endpoints that discovery knows')
  if (simple !== undefined && hash) say('consistentHash', 'cannot stand beside simple')
  if (hash) {
    const keys = [hash.httpHeaderName, hash.httpQueryParameterName].filter((name) => name)
    if (keys.length !== 1) say('consistentHash', 'needs one of httpHeaderName and httpQueryParameterName')
    if (hash.ringHash && hash.maglev) say('consistentHash', 'has both ringHash and maglev')
    if (hash.minimumRingSize && (hash.ringHash || hash.maglev))
      say('consistentHash.minimumRingSize', 'cannot stand beside ringHash or maglev')
    const size = hash.maglev?.tableSize
    if (hash.maglev && (!size || size < 0 || size >= 5_000_011 || !isPrime(size)))
      say('consistentHash.maglev.tableSize', 'must be a prime less than 5000011')
  }
  if (!warmup) return
  if (warmup.duration === undefined) say('warmup.duration', 'is required')
  within(warmup.minimumPercent ?? 0, 0, 100, `${path}.warmup.minimumPercent`, problems)
  if (warmup.aggression !== undefined && warmup.aggression <= 0) say('warmup.aggression', 'must be greater than 0')
}

function isPrime(n: number): boolean {
  if (n < 4) return n > 0
  if (n % 2 === 0) return false
  for (let factor = 3; factor * factor <= n; factor += 2) if (n % factor === 0) return false
  return true
}
