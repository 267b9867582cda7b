import type { StreamConfig, StreamInfo } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { SkerryError } from '../../errors.ts'
import { randomIdentity } from '../../ids.ts'
import { unwatched, type Watcher } from '../../telemetry.ts'
import { type Clock, systemClock } from '../../time.ts'
import type { Bus } from '../bus.ts'
import { above0, keepingOf } from '../options.ts'
import { type Access, addressOf } from './address.ts'
import { checkSynced, checkVersion } from './durability.ts'
import { NatsBus } from './engine.ts'
import { explain, isMissingStream, isTaken } from './failures.ts'
import { Link } from './link.ts'
import { Log, manager } from './log.ts'
import { type Names, namesOf } from './names.ts'
import { checkStream, identityIn, logConfig, registryConfig } from './settings.ts'

export interface NatsBusOptions extends Access {
  /** Name of the application: each has streams of its own, `SKERRY_<app>` and `SKERRY_<app>_REGISTRY`. */
  readonly app: string
  /**
   * For all waits and for the ages of events. The server keeps real time, so anything but the machine's own clock makes
   * time-outs come too early or never. @default the machine's
   */
  readonly clock?: Clock
  readonly watcher?: Watcher
  /**
   * `engine` accepts in writing that a power cut at the server may lose what it acknowledged in its last `sync_interval`.
   * Without it the bus opens only where the server's monitoring says that it syncs first; see `monitor`.
   */
  readonly durability?: 'engine'
  /** Where the server's monitoring answers, such as `http://127.0.0.1:8222`. */
  readonly monitor?: string
  /**
   * Above this size of the log on the server, appends are refused with `overloaded`. Set on the stream at each opening that
   * names it. @default what the stream has; Infinity for a new one
   */
  readonly maxBytes?: number
  /** What may be dropped once every registered reader has passed it: by age, and by size of the log. @default nothing */
  readonly retention?: { readonly ageMs?: number; readonly bytes?: number }
  /** By size, so much is dropped at a time. @default 16 MiB */
  readonly segmentBytes?: number
  /** Copies of a new stream in a cluster, 1, 3 or 5. @default 1 */
  readonly replicas?: number
  /** Longest wait for the server, at the opening and in every call, in milliseconds. @default 10 000 */
  readonly connectTimeoutMs?: number
}

const positive = above0('openNatsBus')

/** What headers and the subject may take of a message. */
const headerBytes = 2048
/** Larger messages gain nothing, and cost whoever reads one event of them. */
const mostFrameBytes = 1024 * 1024

/** A connection that says nothing is given up after two of these. */
const pingMs = 2000
const reconnectMs = 100

/**
 * Opens an application's bus on a NATS server with JetStream; makes its streams the first time. Rejects with
 * `unavailable`, `unauthorized`, `invalid_config` (a stream with other settings), `capability_absent` (the server cannot
 * keep what is asked for) or `log_changed` (the two streams do not belong together).
 */
export async function openNatsBus(options: NatsBusOptions): Promise<Bus> {
  const { clock = systemClock, watcher = unwatched } = options
  const timeoutMs = positive('connectTimeoutMs', options.connectTimeoutMs ?? 10_000)
  const names = namesOf(options.app)
  const rules = keepingOf(options, positive)
  if (options.maxBytes !== undefined) positive('maxBytes', options.maxBytes)
  const link = await dial(options, clock, timeoutMs)
  try {
    await checkServer(link, options)
    const identity = await prepare(link, names, options)
    const log = await Log.on(link, names, identity)
    await log.tip()
    return new NatsBus({
      log,
      clock,
      watcher,
      timeoutMs,
      rules,
      durability: options.durability === 'engine' ? 'engine' : 'synced',
      mostBytes: Math.min(mostFrameBytes, (link.connection.info?.max_payload ?? mostFrameBytes) - headerBytes),
      maxBytes: options.maxBytes,
    })
  } catch (error) {
    await link.close()
    throw explain(error, link.where)
  }
}

export async function dial(access: Access, clock: Clock, timeoutMs: number): Promise<Link> {
  const { options, where } = addressOf(access)
  try {
    const connection = await connect({
      ...options,
      name: 'skerry',
      timeout: timeoutMs,
      // From here on it is never given up: servers restart, credentials are revoked and restored.
      maxReconnectAttempts: -1,
      ignoreAuthErrorAbort: true,
      reconnectTimeWait: reconnectMs,
      reconnectJitter: reconnectMs,
      pingInterval: pingMs,
      maxPingOut: 2,
    })
    return new Link({ connection, clock, where, timeoutMs })
  } catch (error) {
    throw explain(error, where)
  }
}

async function checkServer(link: Link, { durability, monitor }: NatsBusOptions): Promise<void> {
  const { info } = link.connection
  const server = { where: link.where, version: info?.version ?? '0', id: info?.server_id ?? '' }
  checkVersion(server)
  if (!info?.jetstream)
    throw new SkerryError('capability_absent', `${link.where}: runs without JetStream; start nats-server with -js`)
  if (durability !== 'engine') await checkSynced(server, monitor)
}

/** Makes both streams where they are missing, and refuses those that are not as they must be. Resolves with the identity. */
async function prepare(link: Link, names: Names, options: NatsBusOptions): Promise<string> {
  const { maxBytes, replicas = 1 } = options
  const jsm = await manager(link)
  const wanted = logConfig(names, {
    identity: randomIdentity(),
    maxBytes: maxBytes ?? Number.POSITIVE_INFINITY,
    replicas,
  })
  const log = await ensure(link, wanted)
  checkStream(link.where, wanted, log.config)
  const identity = identityIn(log.config.description) as string
  if (maxBytes !== undefined && wanted.max_bytes !== log.config.max_bytes)
    await link.ask(() => jsm.streams.update(names.log, { max_bytes: wanted.max_bytes as number }))
  const record = registryConfig(names, { identity, replicas: log.config.num_replicas })
  if (log.state.last_seq > 0) await refuseMissing(link, names)
  const registry = await ensure(link, record)
  checkStream(link.where, record, registry.config)
  if (identityIn(registry.config.description) !== identity)
    throw separated(link.where, names, 'are of different buses (one was deleted and made anew?)')
  return identity
}

/** A log that was written to had its registry before. */
async function refuseMissing(link: Link, names: Names): Promise<void> {
  const jsm = await manager(link)
  if (await find(() => link.once(() => jsm.streams.info(names.registry)))) return
  throw separated(link.where, names, 'belong together, and the second is missing')
}

async function ensure(link: Link, wanted: Partial<StreamConfig> & { name: string }): Promise<StreamInfo> {
  const jsm = await manager(link)
  for (;;) {
    const found = await link.ask(() => find(() => jsm.streams.info(wanted.name)))
    if (found) return found
    try {
      return await link.once(() => jsm.streams.add(wanted))
    } catch (error) {
      // Another process was faster: what it made is looked at.
      if (!isTaken(error)) throw error
    }
  }
}

async function find(question: () => Promise<StreamInfo>): Promise<StreamInfo | undefined> {
  try {
    return await question()
  } catch (error) {
    if (isMissingStream(error)) return undefined
    throw error
  }
}

function separated(where: string, names: Names, what: string): SkerryError {
  return new SkerryError(
    'log_changed',
    `${where}: streams ${names.log} and ${names.registry} ${what}. Put both back from the same copy; ` +
      'if the events are lost for good, delete both and start over with new store files',
  )
}
