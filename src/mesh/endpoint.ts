/** One instance of a service, as discovery tells of it. */
export interface Endpoint {
  /** Names one life of one instance: whoever restarts has another id. */
  readonly id: string
  /** Where it listens, as a URL: `http://10.0.0.7:8080`, `unix:/run/shop/orders.sock`. No two endpoints share one. */
  readonly address: string
  /** Where it speaks frames, too: `tcp://10.0.0.7:7001`, `tls://…`, `unix:/run/shop/orders.frames`. Who can prefers that. */
  readonly frames?: string
  /** What subsets select by, such as `{ version: 'v2' }`. */
  readonly labels: Readonly<Record<string, string>>
  /** Capacity relative to the others: fixed, or as the instance reports it. 0 takes no new work. Finite, never negative. */
  readonly weight: number
  readonly zone?: string
}

/** True when an endpoint has each of these labels, with this value: how a subset selects. */
export function hasLabels(endpoint: Endpoint, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(labels).every(([name, value]) => endpoint.labels[name] === value)
}
