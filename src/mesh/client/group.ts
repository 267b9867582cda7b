import type { Random } from '../../ids.ts'
import { byKey } from '../balancing/by-key.ts'
import { type Balancer, type Candidate, candidate, choose } from '../balancing/candidate.ts'
import { leastRequest } from '../balancing/least-request.ts'
import { random as evenly } from '../balancing/random.ts'
import { roundRobin } from '../balancing/round-robin.ts'
import { weighted } from '../balancing/weighted.ts'
import type { Endpoint } from '../endpoint.ts'
import { type Outcome, verdictOf } from '../request.ts'
import { Circuit, type Ticket } from '../resilience/circuit.ts'
import { Outliers } from '../resilience/outliers.ts'
import { unlessPanic } from '../resilience/panic.ts'
import type { DestinationSettings } from '../routing/settings.ts'

export interface PickOptions {
  /** Monotonic, in milliseconds. */
  readonly now: number
  readonly key?: string | undefined
  /** Ids that were tried already. */
  readonly avoid?: ReadonlySet<string> | undefined
}

/** An endpoint that one try goes to. `ended` must be called once, however it ends. */
export interface Picked {
  readonly endpoint: Endpoint
  ended(outcome: Outcome, tookMs: number, now: number): void
}

/** What becomes of an endpoint: it is left out for a while, or asked again. */
export type Change = 'circuit_open' | 'circuit_closed' | 'ejected' | 'returned'

interface Member {
  readonly candidate: Candidate
  readonly circuit: Circuit
}

/**
 * The endpoints of one destination, as one client knows them: who is there, how loaded they seem, who is left out for failing. All
 * state of balancing, circuits and ejection is in here, and changes by `update`, `pick`, `ended` and `sweep` alone.
 */
export class EndpointGroup {
  readonly #settings: DestinationSettings
  readonly #random: Random
  readonly #balance: Balancer
  readonly #outliers: Outliers
  #members = new Map<string, Member>()
  #all: readonly Candidate[] = []
  /** Those among whom is chosen; the same list as long as nothing changed, since balancers keep state for a list. */
  #usable: readonly Candidate[] = []
  #known = false
  #ejected: ReadonlySet<string> = new Set()
  readonly #tell: (endpoint: Endpoint, change: Change) => void
  #sweptAt = Number.NEGATIVE_INFINITY

  constructor(
    settings: DestinationSettings,
    random: Random,
    tell: (endpoint: Endpoint, change: Change) => void = () => {},
  ) {
    this.#tell = tell
    this.#settings = settings
    this.#random = random
    this.#balance = balancerOf(settings)
    this.#outliers = new Outliers(settings.outliers)
  }

  get size(): number {
    return this.#all.length
  }

  /** What is there now. The first ones need no slow start: nobody else would take the load meanwhile. */
  update(endpoints: readonly Endpoint[], now: number): void {
    const before = this.#members
    const since = this.#known ? now : Number.NEGATIVE_INFINITY
    this.#members = new Map(
      endpoints.map((endpoint) => {
        const known = before.get(endpoint.id)
        return [
          endpoint.id,
          {
            candidate: candidate(endpoint, known?.candidate.since ?? since, known?.candidate),
            circuit: known?.circuit ?? new Circuit(this.#random, this.#settings.circuit),
          },
        ]
      }),
    )
    this.#known = true
    this.#all = [...this.#members.values()].map((member) => member.candidate)
    this.#outliers.watch(this.#members.keys())
    this.#choosable()
  }

  /** One that may be asked now; nothing where there is none, or the circuits of all are open. */
  pick({ now, key, avoid }: PickOptions): Picked | undefined {
    this.#sweep(now)
    let refusing: Set<string> | undefined
    for (let tries = this.#usable.length; tries > 0; tries--) {
      const choosing = { now, random: this.#random, ...(key !== undefined && { key }) }
      const without = refusing ?? avoid
      const chosen = choose(this.#balance, this.#usable, { ...choosing, ...(without && { avoid: without }) })
      if (!chosen || refusing?.has(chosen.endpoint.id)) return undefined
      const member = this.#members.get(chosen.endpoint.id) as Member
      const ticket = member.circuit.admit(now)
      if (ticket !== undefined) return this.#picked(member, ticket, now)
      refusing ??= new Set(avoid)
      refusing.add(chosen.endpoint.id)
    }
    return undefined
  }

  #picked({ candidate: { endpoint, load }, circuit }: Member, ticket: Ticket, now: number): Picked {
    const begun = load.started(now)
    return {
      endpoint,
      ended: (outcome, tookMs, now) => {
        const verdict = verdictOf(outcome)
        const restMs = outcome.kind === 'answered' ? outcome.retryAfterMs : undefined
        load.ended(begun, verdict, tookMs, now, restMs)
        const before = circuit.state
        circuit.ended(ticket, verdict, now)
        if (circuit.state !== before) this.#turned(endpoint, before, circuit.state)
        if (this.#outliers.ended(endpoint.id, outcome, now)) this.#choosable()
      },
    }
  }

  #sweep(now: number): void {
    if (now - this.#sweptAt < this.#settings.outliers.intervalMs) return
    this.#sweptAt = now
    if (this.#outliers.sweep(now)) this.#choosable()
  }

  /** A probe that fails changes nothing for whoever watches. */
  #turned(endpoint: Endpoint, before: Circuit['state'], after: Circuit['state']): void {
    if (after === 'closed') this.#tell(endpoint, 'circuit_closed')
    else if (before === 'closed') this.#tell(endpoint, 'circuit_open')
  }

  #choosable(): void {
    const isIn = ({ endpoint }: Candidate): boolean => !this.#outliers.isEjected(endpoint.id)
    this.#usable = unlessPanic(this.#all, isIn, this.#settings.panicShare)
    const before = this.#ejected
    if (before.size === 0 && this.#outliers.ejected === 0) return
    this.#ejected = new Set(this.#all.filter((one) => !isIn(one)).map(({ endpoint }) => endpoint.id))
    for (const { endpoint } of this.#all)
      if (before.has(endpoint.id) !== this.#ejected.has(endpoint.id))
        this.#tell(endpoint, this.#ejected.has(endpoint.id) ? 'ejected' : 'returned')
  }
}

function balancerOf({ balancing, slowStart }: DestinationSettings): Balancer {
  switch (balancing.kind) {
    case 'least_request':
      return leastRequest(slowStart)
    case 'weighted':
      return weighted(slowStart)
    case 'round_robin':
      return roundRobin()
    case 'random':
      return evenly
    case 'by_key':
      return byKey()
  }
}
