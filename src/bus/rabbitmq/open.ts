import { SkerryError } from '../../errors.ts'
import { type Clock, systemClock } from '../../time.ts'
import type { Bus } from '../bus.ts'
import { within } from '../options.ts'
import { RabbitmqBus } from './engine.ts'
import { Link } from './link.ts'
import { namesOf } from './names.ts'

export interface RabbitmqBusOptions {
  /**
   * `amqp://user:password@host:5672/vhost`, or `amqps:` for TLS, where `?ca=ca.pem` names the certificate of an authority of your
   * own, and `cert=own.pem&key=own.key` one for the server to ask for.
   */
  readonly url: string
  /** Separates applications on one server: letters, digits, `-`, `_` and `.`, up to 60. @default 'skerry' */
  readonly app?: string
  readonly clock?: Clock
  /**
   * Most bytes that may wait at the server for one store; above it publishers wait. It is fixed when a store's queue is made:
   * to change it later, set a policy at the server instead. @default no bound but the server's disk alarm
   */
  readonly maxBytes?: number
  /** Longest wait for a connection, for room and for a confirmation, in milliseconds each. Range 100–300 000. @default 10 000 */
  readonly connectTimeoutMs?: number
  /** A connection is given up when nothing came for two of these, in seconds. Range 1–600. @default 5 */
  readonly heartbeatSeconds?: number
}

const opener = 'openRabbitmqBus'

/**
 * Opens a bus on a RabbitMQ server, 3.10 or later. Rejects with `unauthorized` when the server refuses the user,
 * `unavailable` when it does not answer in time, `capability_absent` when it is too old.
 */
export async function openRabbitmqBus(options: RabbitmqBusOptions): Promise<Bus> {
  const { clock = systemClock, app = 'skerry', maxBytes } = options
  const timeoutMs = within(opener, 100, 300_000)('connectTimeoutMs', options.connectTimeoutMs ?? 10_000)
  const heartbeatSeconds = within(opener, 1, 600)('heartbeatSeconds', options.heartbeatSeconds ?? 5)
  if (maxBytes !== undefined) within(opener, 1, Number.MAX_SAFE_INTEGER)('maxBytes', maxBytes)
  if (!/^[\w.-]{1,60}$/.test(app))
    throw new SkerryError('invalid_config', `openRabbitmqBus: '${app}' cannot name an application`)
  const url = checked(options.url)
  const link = (name: string): Link =>
    new Link({ url, name: `skerry ${app} ${name}`, clock, heartbeatSeconds, timeoutMs })
  const links = [link('publisher'), link('consumer')] as const
  try {
    for (const one of links) await one.opened()
  } catch (error) {
    for (const one of links) await one.close()
    throw error
  }
  const [publisher, consumer] = links
  return new RabbitmqBus({ publisher, consumer, names: namesOf(app), clock, timeoutMs, maxBytes })
}

function checked(url: string): string {
  const parsed = URL.parse(url)
  if (parsed?.protocol === 'amqp:' || parsed?.protocol === 'amqps:') return url
  // Not shown: it may hold a password.
  throw new SkerryError(
    'invalid_config',
    'openRabbitmqBus: the url is not of the form amqp://user:password@host:port/vhost',
  )
}
