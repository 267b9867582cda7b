import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Fact } from '../../../telemetry.ts'
import type { Traffic } from '../traffic.ts'
import { seconds } from './buckets.ts'
import { OutgoingMetrics } from './outgoing.ts'

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
  readonly #outgoing: OutgoingMetrics

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
    this.#outgoing = new OutgoingMetrics(registers)
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
      default:
        this.#outgoing.watch(fact)
    }
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
