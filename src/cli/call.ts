import { text as textOf } from 'node:stream/consumers'
import { messageOf, SkerryError } from '../errors.ts'
import { pathSegment, queryOf } from '../mesh/client/exchange.ts'
import { deadlineHeader } from '../mesh/resilience/deadline.ts'
import { codeOfStatus, isCode } from '../mesh/server/errors.ts'
import { fromHeader, keyHeader } from '../mesh/server/headers.ts'
import type { ClientTls } from '../mesh/tls.ts'
import { wholeNumber } from './arguments.ts'
import { type Asked, ask } from './ask.ts'
import type { Command, Invocation } from './command.ts'
import { exits, missing, UsageError } from './failure.ts'
import { atSite } from './site.ts'
import { givenTls, tlsOptions } from './tls.ts'

export const call: Command = {
  name: 'call',
  usage: "call SERVICE.CALL ['{…}'|-] [--at URL] [--key KEY] [--deadline MS] [--from SERVICE]",
  summary: 'call a service that runs, and print its answer; the input is JSON, {} without one, - reads it',
  details: `The service is found by what its processes wrote into its store; --at names one directly, such as
http://127.0.0.1:8080 or unix:/run/orders.sock. With --key the call takes effect once, however often it is repeated.
A call that fails prints its problem and exits with 1.`,
  options: {
    at: { type: 'string', value: 'URL', help: 'where it is served' },
    key: { type: 'string', value: 'KEY', help: 'idempotency key' },
    deadline: { type: 'string', value: 'MS', help: 'how long to wait, in milliseconds' },
    from: { type: 'string', value: 'SERVICE', help: 'the service that calls' },
    ...tlsOptions('who signed the certificate of https://, PEM', 'what to show to a server that asks for it, PEM'),
  },
  takes: [1, 2],
  run: runCall,
}

async function runCall(invocation: Invocation): Promise<number> {
  const { positionals, values, out } = invocation
  const [name = '', given = '{}'] = positionals
  if (!/^[^.]+\.[^.]+$/.test(name)) throw new UsageError(`'${name}' is no call; write orders.place`)
  const input = inputOf(given === '-' ? await textOf(process.stdin) : given)
  const deadline = wholeNumber(values, 'deadline', 1)
  const headers = {
    ...(values.key !== undefined && { [keyHeader]: JSON.stringify(String(values.key)) }),
    ...(deadline !== undefined && { [deadlineHeader]: String(deadline) }),
    ...(values.from !== undefined && { [fromHeader]: String(values.from) }),
  }
  const url = values.at === undefined ? await placeOf(invocation, name) : String(values.at)
  const tls = givenTls(values)
  const described = await describedAt(url, tls)
  const { status, text } = await ask(url, withHeaders(requestOf(described, name, input), headers), tls)
  if (status >= 300) throw problemOf(status, text)
  await out.line(out.json ? text : JSON.stringify(JSON.parse(text), undefined, 2))
  return exits.fine
}

const withHeaders = (asked: Asked, headers: Asked['headers']): Asked => ({
  ...asked,
  headers: { ...headers, ...(asked.body !== undefined && { 'content-type': 'application/json' }) },
})

function inputOf(given: string): unknown {
  try {
    return JSON.parse(given)
  } catch (error) {
    throw new UsageError(`the input is not JSON: ${messageOf(error)}`)
  }
}

/** Where a process of the service says that it serves calls. */
function placeOf({ engine }: Invocation, name: string): Promise<string> {
  const service = name.slice(0, name.indexOf('.'))
  return atSite(engine, async (site) => {
    const known = await site.services()
    if (!known.includes(service)) throw missing('service', service, known, 'See: skerry status')
    const found = (await site.processes(service)).find(({ http }) => http !== undefined)
    if (found?.http !== undefined) return found.http
    throw new SkerryError('unavailable', `no process serves the calls of ${service}; start one with: skerry run`)
  })
}

interface Operation {
  readonly operationId: string
  readonly parameters: readonly { readonly name?: string; readonly in?: string }[]
  readonly requestBody?: unknown
}

type Described = Readonly<Record<string, Readonly<Record<string, Operation>>>>

/** Method and path of a call, as the service that is served there says. */
export async function routeOf(url: string, tls: ClientTls, name: string): Promise<{ method: string; path: string }> {
  const { method, path } = operationOf(await describedAt(url, tls), name)
  return { method, path }
}

async function describedAt(url: string, tls: ClientTls): Promise<Described> {
  const { status, text } = await ask(url, { method: 'GET', path: '/openapi.json' }, tls)
  if (status !== 200) throw new SkerryError('unavailable', `${url} does not describe its calls: ${status}`)
  return (JSON.parse(text) as { paths: Described }).paths
}

function operationOf(described: Described, name: string) {
  const all = Object.entries(described).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )
  const found = all.find(({ operation }) => operation.operationId === name)
  if (!found) {
    const names = all.map(({ operation }) => operation.operationId)
    throw missing('call', name, names, 'See /openapi.json of the service')
  }
  return found
}

/** The request that the service's own description asks for. */
function requestOf(described: Described, name: string, input: unknown): Asked {
  const found = operationOf(described, name)
  const fields: Record<string, unknown> = typeof input === 'object' && input !== null ? { ...input } : {}
  const take = (field: string): unknown => {
    const value = fields[field]
    delete fields[field]
    return value
  }
  const path = found.path.replaceAll(/\{(\w+)\}/g, (_, field: string) => pathSegment(name, field, take(field)))
  if (!found.operation.requestBody) {
    const query = queryOf(fields)
    return { method: found.method, path: query === '' ? path : `${path}?${query}` }
  }
  const inPath = path !== found.path
  return { method: found.method, path, body: JSON.stringify(inPath ? fields : input) }
}

/** The service's own words, under its own code. */
function problemOf(status: number, text: string): SkerryError {
  let said: { code?: unknown; detail?: unknown; data?: unknown } = {}
  try {
    said = JSON.parse(text)
  } catch {
    // Something before the service answered: its status says what there is to say.
  }
  const code = isCode(said.code) ? said.code : codeOfStatus(status)
  const data = said.data === undefined ? '' : ` ${JSON.stringify(said.data)}`
  return new SkerryError(code, `${typeof said.detail === 'string' ? said.detail : `HTTP ${status}`}${data}`)
}
