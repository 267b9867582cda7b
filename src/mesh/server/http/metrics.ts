import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Fact } from '../../../telemetry.ts'
import type { Traffic } from '../traffic.ts'

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Of the process itself: collected once, whatever number of servers shows it. */
let ofProcess: Registry | undefined

function processRegistry(): Registry {
  if (ofProcess) return ofProcess
  ofProcess = new Registry()
  collectDefaultMetrics({ register: ofProcess })
  return ofProcess
}

/** What Prometheus asks for, counted from facts and requests. */
export class Metrics {
  readonly #registry = new Registry()
  readonly #calls: Histogram<'call' | 'code'>
  readonly #events: Counter<'subscription' | 'outcome'>
  readonly #requests: Counter<'status'>
  readonly #paused: Counter<'where' | 'code'>
  readonly #outgoing: Histogram<'service' | 'outcome'>
  readonly #parts: Histogram<'service' | 'part'>
  readonly #again: Counter<'service' | 'budget'>
  readonly #registered: Gauge<'registry'>
  readonly #leftOut: Counter<'service' | 'why'>

  constructor(traffic: Traffic) {
    const registers = [this.#registry]
    this.#calls = new Histogram({
      name: 'skerry_call_seconds',
      help: 'How long calls took to answer, by what they ended with',
      labelNames: ['call', 'code'],
      buckets: seconds,
      registers,
    })
    this.#events = new Counter({
      name: 'skerry_events_total',
      help: 'Events by what became of one try: handled, retried, dead',
      labelNames: ['subscription', 'outcome'],
      registers,
    })
    this.#requests = new Counter({
      name: 'skerry_http_requests_total',
      help: 'Requests by the status of their answer',
      labelNames: ['status'],
      registers,
    })
    this.#paused = new Counter({
      name: 'skerry_pauses_total',
      help: 'Pauses since something beneath the services failed',
      labelNames: ['where', 'code'],
      registers,
    })
    this.#outgoing = new Histogram({
      name: 'skerry_outgoing_call_seconds',
      help: 'How long calls to services elsewhere took, all tries together, by how they ended: answered, refused (4xx), failed (5xx), lost',
      labelNames: ['service', 'outcome'],
      buckets: seconds,
      registers,
    })
    this.#parts = new Histogram({
      name: 'skerry_outgoing_call_part_seconds',
      help: 'The parts of the same calls: request and response as the server tells, network is the rest; they sum to the whole',
      labelNames: ['service', 'part'],
      buckets: seconds,
      registers,
    })
    this.#again = new Counter({
      name: 'skerry_outgoing_retries_total',
      help: 'Tries after the first of calls to services elsewhere; refused are those for which the budget had nothing left',
      labelNames: ['service', 'budget'],
      registers,
    })
    this.#leftOut = new Counter({
      name: 'skerry_outgoing_instances_left_out_total',
      help: 'How often an instance was left out for a while, by why: circuit (most calls to it fail), ejected (call after call)',
      labelNames: ['service', 'why'],
      registers,
    })
    this.#registered = new Gauge({
      name: 'skerry_registry_up',
      help: 'Whether the registry that this process is given has taken it in: 1, or 0 while it is away; nothing without one',
      labelNames: ['registry'],
      registers,
    })
    new Gauge({
      name: 'skerry_concurrency_limit',
      help: 'Calls that may be answered at a time; beyond it they are turned away',
      registers,
      collect() {
        this.set(traffic.limit)
      },
    })
    new Counter({
      name: 'skerry_shed_total',
      help: 'Calls that were turned away, by their priority',
      labelNames: ['priority'],
      registers,
      collect() {
        this.reset()
        for (const priority of ['normal', 'low'] as const) this.inc({ priority }, traffic.shed[priority])
      },
    })
    new Gauge({
      name: 'skerry_calls_in_flight',
      help: 'Calls that are being answered',
      registers,
      collect() {
        this.set(traffic.inFlight)
      },
    })
  }

  watch(fact: Fact): void {
    switch (fact.kind) {
      case 'call':
        this.#calls.observe({ call: fact.call, code: fact.code }, fact.latencyMs / 1000)
        break
      case 'handled':
      case 'retried':
      case 'dead':
        this.#events.inc({ subscription: fact.subscription, outcome: fact.kind })
        break
      case 'paused':
        this.#paused.inc({ where: fact.where, code: fact.code })
        break
      case 'called':
        this.#called(fact)
        break
      case 'again':
        this.#again.inc({ service: fact.service, budget: fact.granted ? 'granted' : 'refused' })
        break
      case 'registry':
        this.#registered.set({ registry: fact.address }, fact.state === 'joined' ? 1 : 0)
        break
      case 'instance':
        if (fact.state === 'ejected') this.#leftOut.inc({ service: fact.service, why: 'ejected' })
        if (fact.state === 'circuit_open') this.#leftOut.inc({ service: fact.service, why: 'circuit' })
        break
      default:
    }
  }

  #called({ service, status, requestMs, responseMs, networkMs }: Extract<Fact, { kind: 'called' }>): void {
    this.#outgoing.observe({ service, outcome: outcomeOf(status) }, (requestMs + responseMs + networkMs) / 1000)
    this.#parts.observe({ service, part: 'request' }, requestMs / 1000)
    this.#parts.observe({ service, part: 'response' }, responseMs / 1000)
    this.#parts.observe({ service, part: 'network' }, networkMs / 1000)
  }

  answered(status: number): void {
    this.#requests.inc({ status })
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  async text(): Promise<string> {
    return `${await this.#registry.metrics()}\n${await processRegistry().metrics()}`
  }
}

function outcomeOf(status: number | undefined): string {
  if (status === undefined) return 'lost'
  if (status < 400) return 'answered'
  return status < 500 ? 'refused' : 'failed'
}
