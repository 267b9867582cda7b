import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Fact } from '../../../telemetry.ts'
import { seconds } from './buckets.ts'

/** What a process has to do with services elsewhere, whose calls its handlers make: labels are services, and the registry's address. */
export class OutgoingMetrics {
  readonly #calls: Histogram<'service' | 'outcome'>
  readonly #parts: Histogram<'service' | 'part'>
  readonly #again: Counter<'service' | 'budget'>
  readonly #leftOut: Counter<'service' | 'why'>
  readonly #registered: Gauge<'registry'>

  constructor(registers: Registry[]) {
    this.#calls = new Histogram({
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
  }

  watch(fact: Fact): void {
    if (fact.kind === 'called') this.#called(fact)
    else if (fact.kind === 'again')
      this.#again.inc({ service: fact.service, budget: fact.granted ? 'granted' : 'refused' })
    else if (fact.kind === 'registry') this.#registered.set({ registry: fact.address }, fact.state === 'joined' ? 1 : 0)
    else if (fact.kind === 'instance') {
      if (fact.state === 'ejected') this.#leftOut.inc({ service: fact.service, why: 'ejected' })
      if (fact.state === 'circuit_open') this.#leftOut.inc({ service: fact.service, why: 'circuit' })
    }
  }

  #called({ service, status, requestMs, responseMs, networkMs }: Extract<Fact, { kind: 'called' }>): void {
    this.#calls.observe({ service, outcome: outcomeOf(status) }, (requestMs + responseMs + networkMs) / 1000)
    this.#parts.observe({ service, part: 'request' }, requestMs / 1000)
    this.#parts.observe({ service, part: 'response' }, responseMs / 1000)
    this.#parts.observe({ service, part: 'network' }, networkMs / 1000)
  }
}

function outcomeOf(status: number | undefined): string {
  if (status === undefined) return 'lost'
  if (status < 400) return 'answered'
  return status < 500 ? 'refused' : 'failed'
}
