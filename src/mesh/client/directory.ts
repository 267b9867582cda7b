import type { Random } from '../../ids.ts'
import type { Watcher } from '../../telemetry.ts'
import { type Clock, inTime } from '../../time.ts'
import type { ServicePolicy } from '../configuration/policy.ts'
import type { Discovery } from '../discovery.ts'
import type { Endpoint } from '../endpoint.ts'
import { type DestinationRules, endpointsOf, policyFor } from '../routing/destination.ts'
import { defaultSettings, settingsOf } from '../routing/settings.ts'
import type { Transport } from '../transport.ts'
import { Destination, type Telling } from './destination.ts'

export interface DirectoryOptions {
  readonly discovery: Discovery
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  readonly destinations?: { get(service: string): DestinationRules | undefined }
  readonly policies?: { get(service: string): ServicePolicy | undefined }
  /** Is told of endpoints that are left out, and asked again. */
  readonly watcher?: Watcher
}

interface Watched {
  readonly stop: () => void
  /** Resolves with the first list. */
  readonly known: PromiseWithResolvers<void>
  endpoints: readonly Endpoint[] | undefined
  readonly destinations: Map<string, Destination>
}

/** Destinations by name: made when first called, kept up to date by discovery. */
export class Directory {
  readonly #options: DirectoryOptions
  readonly #services = new Map<string, Watched>()

  constructor(options: DirectoryOptions) {
    this.#options = options
  }

  /**
   * The destination, once its endpoints are known, or until the deadline. Nothing for a subset that no rule declares: a request
   * for it must fail, not go anywhere.
   */
  find(
    service: string,
    subset: string | undefined,
    port: number | undefined,
    deadline: number,
  ): Destination | undefined | Promise<Destination | undefined> {
    const watched = this.#services.get(service) ?? this.#watch(service)
    const name = `${subset ?? ''}:${port ?? ''}`
    const find = (): Destination | undefined =>
      watched.destinations.get(name) ?? this.#make(service, watched, subset, port, name)
    if (watched.endpoints) return find()
    const { clock } = this.#options
    return inTime(clock, deadline - clock.monotonic(), watched.known.promise).then(find)
  }

  close(): void {
    for (const { stop } of this.#services.values()) stop()
    this.#services.clear()
  }

  #make(
    service: string,
    watched: Watched,
    subset: string | undefined,
    port: number | undefined,
    name: string,
  ): Destination | undefined {
    const { random, clock, destinations, policies, watcher } = this.#options
    const rules = destinations?.get(service)
    const endpoints = endpointsOf(rules, subset, watched.endpoints ?? [])
    if (!endpoints) return undefined
    const usual = policies?.get(service)?.settings ?? defaultSettings
    const settings = rules ? settingsOf(policyFor(rules, subset, port), usual) : usual
    const destination = new Destination(settings, random, watcher && tellingOf(service, watcher))
    if (watched.endpoints) destination.group.update(endpoints, clock.monotonic())
    watched.destinations.set(name, destination)
    return destination
  }

  #watch(service: string): Watched {
    const { discovery, destinations, clock, transport } = this.#options
    const rules = destinations?.get(service)
    const watched: Watched = {
      stop: discovery.watch(service, (endpoints) => {
        watched.endpoints = endpoints
        for (const [name, { group }] of watched.destinations) {
          const subset = name.slice(0, name.indexOf(':')) || undefined
          group.update(endpointsOf(rules, subset, endpoints) ?? [], clock.monotonic())
        }
        watched.known.resolve()
        transport.keepOnly([...this.#services.values()].flatMap((one) => one.endpoints ?? []))
      }),
      known: Promise.withResolvers(),
      endpoints: undefined,
      destinations: new Map(),
    }
    this.#services.set(service, watched)
    return watched
  }
}

const tellingOf = (service: string, watcher: Watcher): Telling => ({
  changed: ({ id, address }, state) => watcher({ kind: 'instance', service, id, address, state }),
  again: (granted) => watcher({ kind: 'again', service, granted }),
})
