import { existsSync } from 'node:fs'
import { compilePattern, loadRules } from '../mesh/configuration/load.ts'
import { servicePolicy } from '../mesh/configuration/policy.ts'
import { policyFor } from '../mesh/configuration/rules.ts'
import {
  type Considered,
  consider,
  type ShownRoute,
  type ShownTarget,
  shownTable,
} from '../mesh/configuration/shown.ts'
import type { ListedService } from '../mesh/discovery/registry/messages.ts'
import { hasLabels } from '../mesh/endpoint.ts'
import type { RequestAttributes, Source } from '../mesh/request.ts'
import { nearest } from '../nearest.ts'
import { pairsOf } from './arguments.ts'
import { routeOf } from './call.ts'
import type { Command, Invocation, Option } from './command.ts'
import { many } from './command.ts'
import { exits, UsageError } from './failure.ts'
import { meet, registryOptions, registryTlsOptions } from './meeting.ts'
import type { Output } from './output.ts'
import { givenTls, tlsOptions } from './tls.ts'

const rulesOptions: Readonly<Record<string, Option>> = {
  file: {
    type: 'string',
    value: 'FILE',
    help: 'rules, YAML or JSON (default SKERRY_RULES; without any, every call goes to its service)',
  },
  ...registryOptions,
  ...registryTlsOptions,
}

const routes: Command = {
  name: 'routes',
  usage: 'routes [SERVICE…] [--file FILE] [--registry URL]',
  summary: 'show the routing tables that apply: service, match, destination, subset, weight, timeout, retries',
  details: `The lines of a service are tried from the first one on, and the first that matches decides. With --registry each
destination says how many of its instances are ready, and services without rules of their own are shown, too.`,
  options: rulesOptions,
  takes: [0, many],
  run: runRoutes,
}

const test: Command = {
  name: 'routes test',
  usage: "routes test SERVICE[.CALL] [--method GET] [--path '/orders/7?full=true'] [--header 'NAME: VALUE']…",
  summary: 'show which route a request would take, and why not those before it',
  details: `Without --path it is that of a call which does not say its own, POST /<service>/<call>; with --at the service is asked. Exits with 2 where no route
matches, which callers would get as 404.`,
  options: {
    ...rulesOptions,
    at: {
      type: 'string',
      value: 'URL',
      help: 'where the service is served, which is asked for method and path of the call',
    },
    ...tlsOptions('who signed the certificate of https://, PEM', 'what to show to a server that asks for it, PEM'),
    method: { type: 'string', value: 'METHOD', help: 'GET, POST, … (default POST for a call, else GET)' },
    path: { type: 'string', value: 'PATH', help: 'with its query, if there is one' },
    header: { type: 'string', many: true, value: 'NAME: VALUE', help: 'may be given several times' },
    from: {
      type: 'string',
      many: true,
      value: 'LABEL=VALUE',
      help: 'a label of the caller; may be given several times',
    },
  },
  takes: [1, 1],
  run: testRoute,
}

export const routeCommands: readonly Command[] = [routes, test]

function rulesOf({ values }: Invocation) {
  const file = values.file ?? (process.env.SKERRY_RULES || undefined)
  if (file !== undefined && !existsSync(String(file))) throw new UsageError(`there is no file ${file} with rules`)
  return file === undefined ? loadRules({}) : loadRules(String(file))
}

/** What the registry knows; undefined where none is meant. */
async function listed(invocation: Invocation): Promise<readonly ListedService[] | undefined> {
  if ((invocation.values.registry ?? (process.env.SKERRY_REGISTRY || undefined)) === undefined) return undefined
  const registry = meet(invocation)
  try {
    return await registry.list()
  } finally {
    await registry.close()
  }
}

async function runRoutes(invocation: Invocation): Promise<number> {
  const { positionals, out } = invocation
  const rules = rulesOf(invocation)
  const known = await listed(invocation)
  const named = namedBy(rules, known)
  noteUnknown(positionals, named, out)
  const services = positionals.length > 0 ? positionals : [...new Set(named)].sort()
  const tables = services.map((service) => {
    const { settings, retry } = servicePolicy(policyFor(service, rules.policies))
    const lines = shownTable(service, rules.routes, rules.destinations, compilePattern)
    return { service, lines: lines.map((line) => ({ ...line, retries: line.retries ?? retry.retries })), settings }
  })
  if (out.json) {
    const counted = ({ service, lines }: (typeof tables)[number]) => ({
      service,
      routes: lines.map((line) => figures(line, known)),
    })
    await out.data(tables.map(counted))
    return exits.fine
  }
  if (tables.length === 0)
    await out.line('no service is named by rules; every call goes to all instances of its service')
  else await show(tables, known, out)
  return exits.fine
}

function namedBy(rules: ReturnType<typeof loadRules>, known: readonly ListedService[] = []): readonly string[] {
  return [
    ...rules.routes.flatMap(({ hosts = [] }) => hosts),
    ...[...rules.destinations, ...rules.policies].map(({ host = '*' }) => host).filter((host) => host !== '*'),
    ...known.map(({ service }) => service),
  ]
}

/** A service that nobody speaks of has its usual table all the same; it may be a slip of the pen. */
function noteUnknown(services: readonly string[], known: readonly string[], out: Output): void {
  for (const service of services) {
    if (known.length === 0 || known.includes(service)) continue
    out.note(
      `skerry: nothing is said of '${service}', so it has no table of its own; the nearest is '${nearest(service, known)}'`,
    )
  }
}

function figures(
  { name, timeoutMs, targets, behind, ...line }: ShownRoute,
  known: readonly ListedService[] | undefined,
) {
  return {
    ...{ name: name ?? null, ...line, timeoutMs: timeoutMs ?? null, behind: behind ?? null },
    targets: targets.map((target) => ({ ...target, ...(known && { ready: readyOf(target, known) }) })),
  }
}

async function show(
  tables: readonly { readonly service: string; readonly lines: readonly ShownRoute[] }[],
  known: readonly ListedService[] | undefined,
  out: Output,
): Promise<void> {
  const headers = [
    'service',
    'match',
    'destination',
    'subset',
    'weight',
    'timeout',
    'retries',
    ...(known ? ['ready'] : []),
  ]
  const rows = tables.flatMap(({ service, lines }) =>
    lines.flatMap((line) => {
      const match = line.match.join(' and ') || 'everything'
      const rest = [line.timeoutMs === undefined ? '' : `${line.timeoutMs} ms`, line.retries ?? '']
      if (line.action !== 'forward') return [[service, match, line.action, '', '', ...rest, ...(known ? [''] : [])]]
      return line.targets.map((target) => [
        ...[service, match, target.host, target.subset ?? '', `${target.percent} %`, ...rest],
        ...(known ? [readyOf(target, known)] : []),
      ])
    }),
  )
  await out.table(headers, rows)
  for (const { service, lines } of tables)
    for (const [i, { match, behind }] of lines.entries())
      if (behind !== undefined)
        out.note(
          `skerry: ${service}: line ${i + 1} (${match.join(' and ')}) is never reached: line ${behind} takes all of it`,
        )
}

/** Instances that take calls for a destination now. */
function readyOf({ host, labels = {} }: ShownTarget, known: readonly ListedService[]): number {
  const instances = known.find(({ service }) => service === host)?.instances ?? []
  return instances.filter((one) => one.ready && one.hiddenBy === undefined && hasLabels(one, labels)).length
}

async function testRoute(invocation: Invocation): Promise<number> {
  const { out } = invocation
  const rules = rulesOf(invocation)
  const { request, source } = requestOf(invocation, await described(invocation))
  const found = consider(request, source, rules.routes, rules.destinations, compilePattern)
  const taken = found.find(({ missed }) => missed === undefined)
  const known = await listed(invocation)
  noteUnknown([request.service], namedBy(rules, known), out)
  if (out.json)
    await out.data({
      ...{ service: request.service, method: request.method, path: request.path, query: request.query },
      route: taken ? figures(taken, known) : null,
      considered: found.map(({ missed, ...line }) => ({ ...figures(line, known), missed: missed ?? null })),
    })
  else await explain(request, found, known, out)
  return taken ? exits.fine : exits.partly
}

async function explain(
  { service, method, path, query }: RequestAttributes,
  found: readonly Considered[],
  known: readonly ListedService[] | undefined,
  out: Output,
): Promise<void> {
  await out.line(`${method} ${path}${query && `?${query}`} of ${service}`)
  for (const [i, line] of found.entries()) {
    const label = line.name ?? `route ${i + 1}`
    if (line.missed !== undefined) await out.line(`  ${label}: no, ${line.missed}`)
    else await out.line(out.style('bold', `  ${label}: ${line.match.join(' and ') || 'takes everything'}`))
    if (line.missed !== undefined) continue
    if (line.action !== 'forward') await out.line(`    → ${line.action}`)
    for (const target of line.targets) {
      const ready = known ? `, ${readyOf(target, known)} ready` : ''
      await out.line(`    → ${target.host}${target.subset ? `/${target.subset}` : ''} ${target.percent} %${ready}`)
    }
    if (line.timeoutMs !== undefined) await out.line(`    timeout ${line.timeoutMs} ms`)
    if (line.retries !== undefined) await out.line(`    ${line.retries} retries`)
    if (line.also.length > 0) await out.line(`    also: ${line.also.join(', ')}`)
  }
  if (found.every(({ missed }) => missed !== undefined)) await out.line('  no route matches: callers get 404')
}

/** What the service itself says of the call, where it may be asked. */
async function described({ positionals: [name = ''], values }: Invocation): Promise<Partial<Route>> {
  if (values.at === undefined || !name.includes('.')) return {}
  return routeOf(String(values.at), givenTls(values), name)
}

interface Route {
  readonly method: string
  readonly path: string
}

function requestOf(
  { positionals: [name = ''], values }: Invocation,
  own: Partial<Route>,
): { request: RequestAttributes; source: Source } {
  const [, service = '', call] = /^([^.]+)(?:\.([^.]+))?$/.exec(name) ?? []
  if (service === '') throw new UsageError(`'${name}' is no service or call; write orders or orders.place`)
  const whole = String(values.path ?? own.path ?? (call === undefined ? '/' : `/${service}/${call}`))
  if (!whole.startsWith('/')) throw new UsageError(`--path ${whole}: it begins with /`)
  const [path = '', query = ''] = whole.split('?', 2)
  const usual = own.method ?? (call !== undefined && values.path === undefined ? 'POST' : 'GET')
  const method = String(values.method ?? usual).toUpperCase()
  const headers = pairsOf(values.header, /^\s*([^:\s]+)\s*:\s*(.*?)\s*$/, "--header: write 'NAME: VALUE'")
  const lower = Object.fromEntries(Object.entries(headers).map(([header, value]) => [header.toLowerCase(), value]))
  const labels = pairsOf(values.from, /^([^=]+)=(.*)$/, '--from: write LABEL=VALUE')
  const authority = lower.host ?? service
  return {
    request: { service, method, scheme: 'http', authority, path, query, headers: lower },
    source: { labels, namespace: '' },
  }
}
