import { SkerryError } from '../../errors.ts'
import type { Random } from '../../ids.ts'
import type { Watcher } from '../../telemetry.ts'
import { type Clock, pause } from '../../time.ts'
import type { ServicePolicy } from '../configuration/policy.ts'
import type { Discovery } from '../discovery.ts'
import { type LatencyParts, splitLatency } from '../latency.ts'
import type { RequestAttributes, Source } from '../request.ts'
import { deadlineOf } from '../resilience/deadline.ts'
import { type CallRetryPolicy, defaultCallRetry } from '../resilience/retry.ts'
import type { DestinationRules } from '../routing/destination.ts'
import type { InjectedFault } from '../routing/fault.ts'
import { changeHeaders } from '../routing/rewrite.ts'
import type { Balancing } from '../routing/settings.ts'
import type { RouteDecision } from '../routing/table.ts'
import { type CompiledRoute, decideRoute } from '../routing/table.ts'
import type { Transport, WireAnswer } from '../transport.ts'
import { Deadlines } from './deadlines.ts'
import { Directory } from './directory.ts'
import { never, type Trying, type TryTools, tryAll } from './tries.ts'

/** What is said for a service; a map, or what works it out. */
export interface Lookup<T> {
  get(service: string): T | undefined
}

export interface MeshClientOptions {
  readonly discovery: Discovery
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  /** Who calls. */
  readonly source?: Source
  /** Routes of a service, compiled; without any, its requests go to all of its endpoints as they are. */
  readonly routes?: Lookup<readonly CompiledRoute[]>
  /** Subsets and policies of services, by host. */
  readonly destinations?: Lookup<DestinationRules>
  /** What holds for a service where its routes and destinations do not say otherwise. */
  readonly policies?: Lookup<ServicePolicy>
  /** And where no policy does. */
  readonly retry?: CallRetryPolicy
  /** Is told of each request that is over (`called`), of tries after the first (`again`), and of instances that are left out for a while (`instance`). */
  readonly watcher?: Watcher
}

export interface MeshRequest {
  /** The service that is asked. */
  readonly service: string
  readonly method: string
  /** Without the query. Begins with `/`. */
  readonly path: string
  /** What follows the `?`, encoded; empty without one. @default '' */
  readonly query?: string
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** Twice is as good as once, so that it may be tried again when nobody knows whether it was handled. */
  readonly idempotent: boolean
  /** How long the answer may take, in milliseconds. @default 2000 */
  readonly timeoutMs?: number
  /** When whoever called this process gives up: monotonic, in milliseconds. */
  readonly inheritedDeadline?: number
  /** Whether nobody above tries again. @default true without an inherited deadline */
  readonly outermost?: boolean
  /** What the same endpoint should get again, where endpoints are chosen by key. */
  readonly key?: string
  readonly signal?: AbortSignal
}

export interface MeshAnswer extends WireAnswer {
  /** Id of the endpoint that answered; nothing where a route did. */
  readonly from: string | undefined
  readonly tries: number
  /** How long it took: parts that sum to the whole. */
  readonly latency: LatencyParts
}

type Forward = Extract<RouteDecision, { kind: 'forward' }>

const defaultTimeoutMs = 2000
const noBody = new Uint8Array()

/**
 * The way of a call: discovery → routing → retry around {balancing → circuit → deadline → transport}. One for a process; it keeps
 * what it knows of each destination.
 */
export class MeshClient {
  readonly #options: MeshClientOptions
  readonly #tools: TryTools
  readonly #directory: Directory
  #closed = false

  constructor(options: MeshClientOptions) {
    const { clock, random, transport } = options
    this.#options = options
    this.#tools = { clock, random, transport, deadlines: new Deadlines(clock) }
    this.#directory = new Directory(options)
  }

  /**
   * Resolves with an answer of whatever status. Rejects with `unavailable`, `deadline_exceeded`, `overloaded` (too many calls under
   * way to that service), `closed`, or the signal's reason.
   */
  request(request: MeshRequest): Promise<MeshAnswer> {
    if (this.#closed) return Promise.reject(new SkerryError('closed', 'the client is closed'))
    const { watcher } = this.#options
    return watcher ? this.#watched(request, watcher) : this.#request(request)
  }

  async #watched(request: MeshRequest, watcher: Watcher): Promise<MeshAnswer> {
    const { clock } = this.#options
    const { service } = request
    const began = clock.monotonic()
    try {
      const answer = await this.#request(request)
      const parts = splitLatency(clock.monotonic() - began, answer.latency)
      watcher({ kind: 'called', service, status: answer.status, ...parts })
      return answer
    } catch (error) {
      const nothing = { requestMs: 0, responseMs: 0, networkMs: clock.monotonic() - began }
      watcher({ kind: 'called', service, status: undefined, ...nothing })
      throw error
    }
  }

  #request(request: MeshRequest): Promise<MeshAnswer> {
    const table = this.#options.routes?.get(request.service)
    if (table) return this.#routed(request, table)
    const deadline = this.#deadlineOf(request, undefined)
    return this.#forward(request, straight(request, this.#retryOf(request)), deadline)
  }

  async #routed(request: MeshRequest, table: readonly CompiledRoute[]): Promise<MeshAnswer> {
    const decision = decideRoute(table, attributesOf(request), this.#options.random)
    if (!decision) return local(404, {}, `no route of ${request.service} matches ${request.path}`)
    if (decision.kind === 'redirect') return local(decision.status, { location: decision.location })
    if (decision.kind === 'respond') return local(decision.status, {}, decision.body)
    const deadline = this.#deadlineOf(request, decision.timeoutMs)
    const faulty = decision.fault && (await this.#suffer(decision.fault, deadline, request.signal ?? never))
    if (faulty) return faulty
    for (const mirror of decision.mirrors) this.#copy(request, decision, mirror, deadline)
    return this.#forward(request, decision, deadline)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#directory.close()
    this.#tools.deadlines.close()
    await this.#options.transport.close()
  }

  #deadlineOf({ timeoutMs = defaultTimeoutMs, inheritedDeadline }: MeshRequest, ofRoute: number | undefined): number {
    const ownMs = ofRoute === undefined ? timeoutMs : Math.min(timeoutMs, ofRoute)
    return deadlineOf(this.#options.clock.monotonic(), ownMs, inheritedDeadline)
  }

  #retryOf({ service }: MeshRequest): CallRetryPolicy {
    const { policies, retry = defaultCallRetry } = this.#options
    return policies?.get(service)?.retry ?? retry
  }

  async #forward(request: MeshRequest, decision: Forward, deadline: number): Promise<MeshAnswer> {
    const { clock } = this.#options
    const { host = request.service, subset, port } = decision.destination
    const label = subset ? `${host}/${subset}` : host
    const found = this.#directory.find(host, subset, port?.number, deadline)
    const destination = found instanceof Promise ? await found : found
    if (!destination) return local(503, {}, `${label}: no such subset is declared`)
    const signal = request.signal ?? never
    const entered = destination.enter(signal, clock.monotonic())
    if (entered !== true && !(entered && (await entered)))
      throw new SkerryError(
        'overloaded',
        `${label}: too many calls are under way; the limit is ${limitOf(destination)}`,
      )
    try {
      // Here and below one property a line: objects that were spread would cost more than balancing and circuit together.
      const trying: Trying = {
        destination,
        label,
        request: wireRequest(request, decision),
        retry: decision.retry,
        idempotent: request.idempotent,
        outermost: request.outermost ?? request.inheritedDeadline === undefined,
        deadline,
        key: keyOf(destination.settings.balancing, request),
        signal,
      }
      const { answer, from, tries, latency } = await tryAll(trying, this.#tools)
      return {
        status: answer.status,
        headers: changeHeaders(answer.headers, decision.response),
        body: answer.body,
        from,
        tries,
        latency,
      }
    } finally {
      destination.leave()
    }
  }

  /** Nobody waits for the answer of a copy, nor minds its failure. */
  #copy(request: MeshRequest, decision: Forward, destination: Forward['destination'], deadline: number): void {
    const { signal: _, ...copied } = request
    const once = { ...decision, destination, mirrors: [], retry: { ...decision.retry, retries: 0 } }
    this.#forward(copied, once, deadline).catch(() => {})
  }

  async #suffer(fault: InjectedFault, deadline: number, signal: AbortSignal): Promise<MeshAnswer | undefined> {
    const { clock } = this.#options
    if (fault.delayMs !== undefined) await pause(clock, Math.min(fault.delayMs, deadline - clock.monotonic()), signal)
    signal.throwIfAborted()
    if (clock.monotonic() >= deadline) throw new SkerryError('deadline_exceeded', 'delayed by an injected fault')
    if (!fault.abort) return undefined
    if ('httpStatus' in fault.abort) return local(fault.abort.httpStatus, {}, 'an injected fault')
    return local(200, { 'grpc-status': String(fault.abort.grpcStatus) })
  }
}

/** What the same endpoint should get again. */
function keyOf(balancing: Balancing, { key, headers = {}, query = '' }: MeshRequest): string | undefined {
  if (balancing.kind !== 'by_key' || balancing.from === 'call') return key
  if (balancing.from === 'header') return headers[balancing.name] ?? key
  return new URLSearchParams(query).get(balancing.name) ?? key
}

const limitOf = ({
  settings: { bulkhead },
}: {
  settings: { bulkhead: { running: number; waiting: number } }
}): string => `${bulkhead.running}, and ${bulkhead.waiting} that wait`

const noChanges = { remove: [], write: [] }
const nobody: Forward['mirrors'] = []

/** Without routes: to the service itself, as it is. */
function straight({ service, path }: MeshRequest, retry: CallRetryPolicy): Forward {
  return {
    kind: 'forward',
    route: undefined,
    destination: { host: service },
    path,
    authority: undefined,
    request: noChanges,
    response: noChanges,
    mirrors: nobody,
    fault: undefined,
    timeoutMs: undefined,
    retry,
  }
}

function attributesOf({ service, method, path, query = '', headers = {} }: MeshRequest): RequestAttributes {
  return { service, method, scheme: 'http', authority: headers.host ?? service, path, query, headers }
}

function wireRequest({ method, query = '', headers = {}, body = noBody }: MeshRequest, decision: Forward) {
  const changed = changeHeaders(headers, decision.request)
  return {
    method,
    path: query === '' ? decision.path : `${decision.path}?${query}`,
    headers: decision.authority === undefined ? changed : { ...changed, host: decision.authority },
    body,
  }
}

/** An answer that nobody was asked for. */
function local(status: number, headers: Readonly<Record<string, string>>, text = ''): MeshAnswer {
  const latency = { requestMs: 0, responseMs: 0, networkMs: 0 }
  return { status, headers, body: Buffer.from(text), from: undefined, tries: 0, latency }
}
