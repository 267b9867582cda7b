import { info } from './contract.ts'
import { openCallTransport } from './engines.ts'
import { codeOf, SkerryError } from './errors.ts'
import type { Caller, Came, Outgoing } from './flow/calling.ts'
import { randomIdentity, seededRandom } from './ids.ts'
import { type Said, withSaid } from './mesh/client/about.ts'
import { MeshClient } from './mesh/client/client.ts'
import { jsonOf, readCall, writeCall } from './mesh/client/exchange.ts'
import { Unasked } from './mesh/client/tries.ts'
import { clientRules } from './mesh/configuration/load.ts'
import type { MeshRules } from './mesh/configuration/rules.ts'
import { type Listed, StaticDiscovery } from './mesh/discovery/static.ts'
import type { Discovery } from './mesh/discovery.ts'
import type { Source } from './mesh/request.ts'
import type { WireAnswer } from './mesh/transport.ts'
import type { AnyService } from './service.ts'
import type { Answering } from './serving.ts'
import type { Watcher } from './telemetry.ts'
import type { Clock } from './time.ts'
import type { TransportOptions } from './transports.ts'

/** Where the services are that handlers here call and that do not run here. A registry, where `start` is given one, knows, too. */
export interface CalleesOptions extends TransportOptions {
  /** Addresses by service: `{ orders: ['http://10.0.0.7:8080', { address: 'https://10.0.0.7', frames: 'tls://10.0.0.7:7001' }] }`. */
  readonly at?: Readonly<Record<string, readonly Listed[]>>
  /** Or anything else that knows. It is closed with the app. */
  readonly discovery?: Discovery
  /** Routes, subsets and policies: as they are, or the name of a YAML or JSON file that has them (needs `yaml`). */
  readonly rules?: MeshRules | string | URL
  /** Who calls, for routes that ask: labels of this process (those that a registry is told, unless others are given), and its namespace. */
  readonly source?: Partial<Source>
}

interface CallersOptions {
  readonly services: readonly AnyService[]
  readonly clock: Clock
  readonly callees: CalleesOptions | undefined
  /** Knows services that `callees` does not list. */
  readonly registry: Discovery | undefined
  /** What a registry is told of this process. */
  readonly labels: Readonly<Record<string, string>> | undefined
  readonly watcher: Watcher
}

/**
 * Carries calls of handlers: to a service of this process directly, through its own validation, store and transaction; to any
 * other one over the mesh, by one client for the process, which is made when it is first needed.
 */
export class Callers {
  readonly #options: CallersOptions
  readonly #local = new Map<string, Answering | undefined>()
  readonly #started = Promise.withResolvers<void>()
  readonly #discovery: Discovery | undefined
  readonly #rules: ReturnType<typeof clientRules>
  #mesh: Promise<MeshClient> | undefined

  /** Throws `invalid_config` for wrong rules, and where it is certain that a service which another one says it calls is nowhere. */
  constructor(options: CallersOptions) {
    const { services, callees, registry, labels = {} } = options
    this.#options = options
    for (const { name } of services) this.#local.set(name, undefined)
    if (callees?.at && callees.discovery)
      throw new SkerryError('invalid_config', 'callees: give at or discovery, not both')
    this.#rules = clientRules(callees?.rules, { labels, ...callees?.source })
    this.#discovery = callees?.discovery ?? discoveryOf(callees?.at, registry)
    for (const { name, options } of services)
      for (const contract of options.calls ?? [])
        if (!this.#mayFind(contract[info].name)) throw nowhere(name, contract[info].name)
  }

  readonly call: Caller = (call) => (this.#local.has(call.type.service) ? this.#here(call) : this.#elsewhere(call))

  /** Calls between services of this process wait until all of them have started. */
  started(services: readonly { readonly service: AnyService; readonly calls: Answering }[]): void {
    for (const { service, calls } of services) this.#local.set(service.name, calls)
    this.#started.resolve()
  }

  /** What is under way comes to nothing. */
  async close(): Promise<void> {
    this.#started.resolve()
    const mesh = await this.#mesh?.catch(() => undefined)
    await mesh?.close()
    if (this.#discovery !== this.#options.registry) await this.#discovery?.close()
  }

  #mayFind(service: string): boolean {
    const { callees, registry } = this.#options
    return (
      this.#local.has(service) ||
      registry !== undefined ||
      callees?.discovery !== undefined ||
      Object.hasOwn(callees?.at ?? {}, service)
    )
  }

  async #here(call: Outgoing): Promise<Came> {
    const { type, from, key, signal, attributes } = call
    const { clock } = this.#options
    const began = clock.monotonic()
    await this.#started.promise
    const calls = this.#local.get(type.service)
    if (!calls) return none(new SkerryError('unavailable', `${type.service} is stopping`))
    const deadlineMs = Math.min(began + call.timeoutMs, call.deadline ?? Number.POSITIVE_INFINITY) - clock.monotonic()
    try {
      const input = asSent(call)
      const text = await calls.invoke({ call: type.name, input, from, key, deadlineMs, attributes, signal })
      return { kind: 'answered', output: JSON.parse(text) }
    } catch (error) {
      return { kind: 'failed', error, effect: leavesDoubt(error) ? 'unknown' : 'none' }
    }
  }

  async #elsewhere(call: Outgoing): Promise<Came> {
    const { type, from, key, timeoutMs, deadline, signal } = call
    if (!this.#mayFind(type.service)) return none(nowhere(from, type.service))
    let answer: WireAnswer & { readonly tries: number }
    try {
      this.#mesh ??= this.#open()
      const mesh = await this.#mesh
      const { headers, ...sendable } = writeCall(type, call.input)
      answer = await mesh.request({
        ...{ ...sendable, headers: withSaid(headers, saidBy(call)), service: type.service, timeoutMs, signal },
        idempotent: type.idempotent || key !== undefined,
        ...(deadline !== undefined && { inheritedDeadline: deadline }),
      })
    } catch (error) {
      const unsent =
        error instanceof Unasked || ['invalid_request', 'overloaded', 'invalid_config'].includes(codeOf(error))
      return { kind: 'failed', error, effect: unsent ? 'none' : 'unknown' }
    }
    try {
      return { kind: 'answered', output: readCall(type, answer) }
    } catch (error) {
      // A try that got no answer may have had one, whatever the last one says.
      const sure = answer.tries === 1 && isProblem(answer) && !leavesDoubt(error)
      return { kind: 'failed', error, effect: sure ? 'none' : 'unknown' }
    }
  }

  async #open(): Promise<MeshClient> {
    const { clock, callees = {}, watcher } = this.#options
    const transport = await openCallTransport(callees, clock)
    const random = seededRandom(randomIdentity())
    return new MeshClient({
      ...this.#rules,
      discovery: this.#discovery as Discovery,
      transport,
      clock,
      random,
      watcher,
    })
  }
}

function discoveryOf(at: CalleesOptions['at'], registry: Discovery | undefined): Discovery | undefined {
  if (!at) return registry
  const listed = new StaticDiscovery(at)
  if (!registry) return listed
  // What is listed is meant; the registry knows the rest.
  return {
    watch: (service, update) => (Object.hasOwn(at, service) ? listed : registry).watch(service, update),
    close: () => listed.close(),
  }
}

function saidBy({ from, key, attributes, deadline }: Outgoing): Said {
  const { traceparent } = attributes
  // For an event, which is tried again: nobody waits for it as for a call.
  const priority = deadline === undefined ? 'low' : undefined
  return { from, key, priority, trace: typeof traceparent === 'string' ? traceparent : undefined }
}

/** The input as the wire would have it, so that it makes no difference where a service runs. */
const asSent = ({ type, input }: Outgoing): unknown => JSON.parse(jsonOf(type.label, input))

const none = (error: SkerryError): Came => ({ kind: 'failed', error, effect: 'none' })

/** A service that answers with an error has done nothing, but for these. */
const leavesDoubt = (error: unknown): boolean => ['outcome_unknown', 'in_progress'].includes(codeOf(error))

const isProblem = ({ headers }: WireAnswer): boolean =>
  headers['content-type']?.startsWith('application/problem+json') ?? false

const nowhere = (from: string, service: string): SkerryError =>
  new SkerryError(
    'invalid_config',
    `${from} calls ${service}, which does not run here, and nothing says where it is: start it here, too, ` +
      `or give start a registry, or callees: { at: { ${service}: ['http://…'] } }; ` +
      `skerry run has --registry, and --callee ${service}=http://…`,
  )
