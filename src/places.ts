import { SkerryError } from './errors.ts'
import { nearest } from './nearest.ts'

/** Engines by the schemes of their URLs. */
const schemes = {
  sqlite: 'sqlite',
  postgres: 'postgres',
  postgresql: 'postgres',
  nats: 'nats',
  tls: 'nats',
  amqp: 'rabbitmq',
  amqps: 'rabbitmq',
  kafka: 'kafka',
} as const

export type BusEngine = (typeof schemes)[keyof typeof schemes]
export type StoreEngine = 'sqlite' | 'postgres'

/** Where a bus or the stores are. */
export interface Place<Engine extends BusEngine = BusEngine> {
  readonly engine: Engine
  /** As it was given: it may hold a password. */
  readonly url: string
  /** For messages: without user and password. */
  readonly shown: string
  /** Of the file or folder, for SQLite; '' for servers. */
  readonly path: string
}

const examples = {
  bus: 'sqlite:<file>, postgres://…, nats://…, amqp://…, kafka://…',
  store: 'sqlite:<folder>, postgres://…',
} as const

const storeEngines: readonly string[] = ['sqlite', 'postgres'] satisfies StoreEngine[]

export function placeOf(what: 'bus', url: string | undefined, otherwise: string): Place<BusEngine>
export function placeOf(what: 'store', url: string | undefined, otherwise: string): Place<StoreEngine>
/**
 * What a URL leads to; without one, the embedded engine at `otherwise`. Throws `invalid_config` naming what is known, and never
 * the password.
 */
export function placeOf(what: 'bus' | 'store', url: string | undefined, otherwise: string): Place {
  if (url === undefined) return { engine: 'sqlite', url: `sqlite:${otherwise}`, shown: otherwise, path: otherwise }
  const scheme = /^([a-z][a-z0-9+.-]*):/.exec(url)?.[1]
  // A query may hold a password, too.
  const shown = url.replaceAll(/\/\/[^/@]*@/g, '//').replace(/\?.*$/, '')
  const engine = scheme !== undefined && Object.hasOwn(schemes, scheme) && schemes[scheme as keyof typeof schemes]
  if (!engine || (what === 'store' && !storeEngines.includes(engine))) {
    const known = Object.keys(schemes).filter((one) => what === 'bus' || storeEngines.includes(one))
    const wrong = scheme
      ? `no ${what} on '${scheme}'; did you mean '${nearest(scheme, known)}'`
      : 'not a URL; is it one of these'
    throw new SkerryError('invalid_config', `${what} '${shown}': ${wrong}? Use ${examples[what]}`)
  }
  const path = engine === 'sqlite' ? url.slice('sqlite:'.length).replace(/^\/\/(?=[/.])/, '') : ''
  return { engine, url, shown, path }
}
