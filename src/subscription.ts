import type { AnyCall } from './call.ts'
import type { AnyEvent } from './contract.ts'
import { durableCalls } from './durable.ts'
import { SkerryError } from './errors.ts'
import type { RetryPolicy } from './flow/retry.ts'

/** How a subscription reads. `from` and `name` are recorded once, at first start; changing `from` later has no effect. */
export interface SubscriptionOptions {
  /** `start`: everything the bus still has. `now`: what is published after the first start. */
  readonly from: 'start' | 'now'
  /** `key`: events of one stream with the same key are handled in publish order. @default 'none' */
  readonly order?: 'none' | 'key'
  /** What becomes of the later events of a key whose head became a dead letter, under `order: 'key'`. @default 'park' */
  readonly onDead?: 'park' | 'continue'
  readonly retry?: Partial<RetryPolicy>
  /** Longest uninterrupted `handle`, in milliseconds, 1–60 000. The second try, alone, gets ten times as long. @default 100 */
  readonly budgetMs?: number
  /** Most `prepare` steps at once, 1–10 000. @default 64 */
  readonly concurrency?: number
  /** Most events started in a period. @default unlimited */
  readonly rate?: Rate
  /** The same limits for each key. */
  readonly perKey?: { readonly concurrency?: number; readonly rate?: Rate }
  /**
   * Event types that the order of handling is known to matter against, each with the reason why that is right. `skerry check`
   * reports them as declared, and fails on one that it cannot confirm; nothing else makes use of them.
   */
  readonly dependsOn?: readonly Dependence[]
  /**
   * What else `skerry check` must find true of these handlers. `republication`: the same fact under a new id changes nothing.
   * `conflict-free`: they have no row in common with any other of the service. Nothing else makes use of it.
   */
  readonly claims?: readonly ('republication' | 'conflict-free')[]
}

/**
 * How calls that are sent to a service are handled, all of them together: they come by one subscription, which reads whatever was
 * ever sent. `dependsOn` of `serve` adds to what is said here.
 */
export type DurableCallOptions = Omit<SubscriptionOptions, 'from'>

export type Dependence = readonly [type: AnyEvent | AnyCall, why: string]

/** What `skerry check` is told of a call; nothing else makes use of it. */
export type ServeOptions = Pick<SubscriptionOptions, 'dependsOn' | 'claims'>

export interface Rate {
  /** At least 1. */
  readonly events: number
  /** At least 1. */
  readonly perMs: number
}

const subscriptionName = /^[a-z][a-z0-9_-]{0,62}$/i

/** Throws `invalid_config`. */
export function checkName(label: string, name: string): void {
  if (subscriptionName.test(name)) return
  throw new SkerryError('invalid_config', `${label}: use a name of letters, digits, '-' and '_', at most 63`)
}

/** Throws `invalid_config` naming the option. */
export function checkSubscription(label: string, name: string, options: SubscriptionOptions): void {
  checkName(label, name)
  if (name === durableCalls)
    throw new SkerryError('invalid_config', `${label}: this name is for calls that are sent; choose another`)
  checkReading(label, options)
}

/** Throws `invalid_config` naming the option. */
export function checkReading(label: string, options: SubscriptionOptions): void {
  const refuse = (why: string): never => {
    throw new SkerryError('invalid_config', `${label}: ${why}`)
  }
  if (options.from !== 'start' && options.from !== 'now') refuse(`say from: 'start' or from: 'now'`)
  inRange('budgetMs', options.budgetMs, 1, 60_000)
  inRange('concurrency', options.concurrency, 1, 10_000, 'whole')
  inRange('rate.events', options.rate?.events, 1, 1e9)
  inRange('rate.perMs', options.rate?.perMs, 1, 1e9)
  const { perKey, retry } = options
  if (perKey && perKey.concurrency === undefined && !perKey.rate) refuse('perKey names no limit')
  inRange('perKey.concurrency', perKey?.concurrency, 1, 10_000, 'whole')
  inRange('perKey.rate.events', perKey?.rate?.events, 1, 1e9)
  inRange('perKey.rate.perMs', perKey?.rate?.perMs, 1, 1e9)
  inRange('retry.attempts', retry?.attempts, 1, 1000, 'whole')
  inRange('retry.firstMs', retry?.firstMs, 0, 1e9)
  inRange('retry.factor', retry?.factor, 1, 100)
  inRange('retry.mostMs', retry?.mostMs, 0, 1e9)
  inRange('retry.jitter', retry?.jitter, 0, 1)

  function inRange(what: string, value: number | undefined, low: number, high: number, whole?: 'whole'): void {
    if (value === undefined) return
    if (!(value >= low && value <= high)) refuse(`${what} ${value} is not within ${low}–${high}`)
    if (whole && !Number.isInteger(value)) refuse(`${what} ${value} is not a whole number`)
  }
}
