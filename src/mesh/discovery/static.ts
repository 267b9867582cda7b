import { SkerryError } from '../../errors.ts'
import { nearest } from '../../nearest.ts'
import type { Discovery, Update } from '../discovery.ts'
import type { Endpoint } from '../endpoint.ts'
import { type View, Watching } from './watching.ts'

/** An address alone, or what is known besides. `id` is the address unless it is said, the weight 1. */
export type Listed = string | (Pick<Endpoint, 'address'> & Partial<Endpoint>)

/** Addresses that never change. Of each service as many instances are expected as are listed. */
export class StaticDiscovery implements Discovery {
  readonly #views: ReadonlyMap<string, View>
  readonly #watching = new Watching()

  /** Throws `invalid_config` naming the service and the entry. */
  constructor(lists: Readonly<Record<string, readonly Listed[]>>) {
    this.#views = new Map(Object.entries(lists).map(([service, list]) => [service, viewOf(service, list)]))
  }

  watch(service: string, update: Update): () => void {
    const view = this.#views.get(service)
    if (!view) {
      const close = nearest(service, [...this.#views.keys()])
      const hint = close === undefined ? '' : `; did you mean '${close}'?`
      throw new SkerryError('not_found', `service '${service}' has no list of addresses${hint}`)
    }
    const stop = this.#watching.watch(service, update, () => {})
    this.#watching.tell(service, view)
    return stop
  }

  async close(): Promise<void> {
    this.#watching.end()
  }
}

function viewOf(service: string, list: readonly Listed[]): View {
  const endpoints = list.map((listed, i) => endpointOf(`${service}[${i}]`, listed))
  for (const field of ['address', 'id'] as const) {
    const seen = new Set<string>()
    for (const [i, endpoint] of endpoints.entries()) {
      if (seen.has(endpoint[field]))
        throw wrong(`${service}[${i}]`, `another one has the ${field} ${endpoint[field]}; list it once`)
      seen.add(endpoint[field])
    }
  }
  return { endpoints, expected: endpoints.length, freshness: 'live' }
}

function endpointOf(where: string, listed: Listed): Endpoint {
  const {
    address,
    frames,
    id = address,
    labels = {},
    weight = 1,
    zone,
  } = typeof listed === 'string' ? ({ address: listed } as Partial<Endpoint> & { address: string }) : listed
  if (!URL.canParse(address)) throw wrong(where, `'${address}' is no URL such as http://10.0.0.7:8080`)
  if (frames !== undefined && !URL.canParse(frames))
    throw wrong(where, `frames '${frames}' is no URL such as tcp://10.0.0.7:7001`)
  if (!Number.isFinite(weight) || weight < 0) throw wrong(where, `weight ${weight}: give a number from 0 on`)
  return {
    ...{ id, address, labels, weight },
    ...(frames !== undefined && { frames }),
    ...(zone !== undefined && { zone }),
  }
}

const wrong = (where: string, problem: string): SkerryError => new SkerryError('invalid_config', `${where}: ${problem}`)
