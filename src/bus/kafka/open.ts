import type { ConnectionOptions as TlsOptions } from 'node:tls'
import type { SASLOptions } from '@platformatic/kafka'
import { SkerryError } from '../../errors.ts'
import { laneCount } from '../../keys.ts'
import { type Clock, systemClock } from '../../time.ts'
import type { Bus } from '../bus.ts'
import { above0, within } from '../options.ts'
import { type Address, parseAddress, type SaslMechanism } from './address.ts'
import { KafkaBus } from './bus.ts'
import { Cluster, type ClusterOptions } from './cluster.ts'

export interface KafkaBusOptions {
  /**
   * `kafka://host:9092,host:9092`: some of the brokers, from which the others are found. With a user and password
   * (percent-encoded) as `kafka://user:password@host:9093?tls=true&mechanism=SCRAM-SHA-512`; mechanisms are PLAIN,
   * SCRAM-SHA-256 and SCRAM-SHA-512. `ca`, and `cert` with `key`, name PEM files: `?ca=/etc/shop/ca.pem`.
   * @default for a user: SCRAM-SHA-512
   */
  readonly url: string
  /** Separates applications on one cluster: topics are `<app>.<stream>`, groups `<app>.<service>.<store>`. */
  readonly app: string
  readonly clock?: Clock
  /**
   * Kafka acknowledges what enough brokers have in memory, and writes to disk later; only `'engine'`, in writing, accepts
   * that a power cut of all of them at once may lose the last moments.
   */
  readonly durability?: 'engine'
  /** Longest wait for a broker at the opening, in milliseconds, above 0. @default 10 000 */
  readonly connectTimeoutMs?: number
  /**
   * Partitions of a stream's topic, 1–64: how many processes of one store can take in its events side by side. A topic with
   * fewer is grown, one with more is left alone. @default 8 for a new topic
   */
  readonly partitions?: number
  /** Copies of each topic, at least; with 3 or more, two brokers have what is acknowledged. @default the brokers' own */
  readonly replication?: number
  /**
   * How long a process may be silent before others get its partitions, in milliseconds, 1000–1 800 000; only speed depends on
   * it. Brokers have bounds of their own (6000 at least, by default). @default 15 000
   */
  readonly sessionTimeoutMs?: number
  /** TLS: true, or what `tls.connect` takes (`ca`, `cert`, `key`, …). @default what the URL says */
  readonly tls?: boolean | TlsOptions
  /** What the client library takes, for mechanisms that a URL cannot express. @default what the URL says */
  readonly sasl?: SASLOptions
}

/**
 * Opens a bus on Apache Kafka 3.1 or newer. Rejects with `invalid_config`, `unauthorized`, `capability_absent` for brokers
 * that are too old, and `unavailable` when none answers in time.
 */
export async function openKafkaBus(options: KafkaBusOptions): Promise<Bus> {
  const address = parseAddress(options.url)
  if (options.durability !== 'engine')
    throw new SkerryError(
      'capability_absent',
      `${address.shown}: Kafka acknowledges before it syncs to disk; accept that in writing with durability: 'engine', ` +
        'and have three copies',
    )
  const { app, clock = systemClock, connectTimeoutMs = 10_000, sessionTimeoutMs = 15_000 } = options
  const { partitions, replication } = options
  above0('openKafkaBus')('connectTimeoutMs', connectTimeoutMs)
  whole('sessionTimeoutMs', sessionTimeoutMs, 1_000, 1_800_000)
  if (partitions !== undefined) whole('partitions', partitions, 1, laneCount)
  if (replication !== undefined) whole('replication', replication, 1, 32_767)
  if (!/^[\w.-]{1,100}$/.test(app))
    throw new SkerryError('invalid_config', `openKafkaBus: app "${app}" must be 1–100 letters, digits, ".", "_" or "-"`)
  const cluster = clusterAt({ ...options, clock, connectTimeoutMs, sessionTimeoutMs, clientId: `skerry-${app}` })
  return KafkaBus.open(cluster, { app, partitions, replication })
}

type Reaching = Pick<KafkaBusOptions, 'url' | 'tls' | 'sasl'> &
  Pick<ClusterOptions, 'clock' | 'connectTimeoutMs' | 'sessionTimeoutMs' | 'clientId'>

/** How to reach brokers; nothing is connected yet. Throws `invalid_config`. */
export function clusterAt({ url, tls, sasl, clock, connectTimeoutMs, sessionTimeoutMs, clientId }: Reaching): Cluster {
  const address = parseAddress(url)
  return new Cluster({
    ...{ address, clock, connectTimeoutMs, sessionTimeoutMs, clientId },
    tls: tlsOf(tls, address),
    sasl: sasl ?? saslOf(address),
  })
}

function tlsOf(given: boolean | TlsOptions | undefined, address: Address): TlsOptions | undefined {
  if (given === undefined || given === true) return address.tls ?? (given ? {} : undefined)
  return given || undefined
}

const defaultMechanism: SaslMechanism = 'SCRAM-SHA-512'

function saslOf({ user, password, mechanism = defaultMechanism }: Address): SASLOptions | undefined {
  return user === undefined ? undefined : { mechanism, username: user, password: password ?? '' }
}

function whole(name: string, value: number, least: number, most: number): void {
  within('openKafkaBus', least, most)(name, value)
  if (!Number.isInteger(value))
    throw new SkerryError('invalid_config', `openKafkaBus: ${name} must be a whole number, not ${value}`)
}
