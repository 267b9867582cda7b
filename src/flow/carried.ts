import type { AnyCall } from '../call.ts'
import type { AnyEvent } from '../contract.ts'

/** What follows the name of a call in that of its replies. */
export const replySuffix = '__reply'

/** What an event of a durable call is about. */
export interface Carried {
  readonly part: 'request' | 'reply'
  /** `bank.pay` */
  readonly call: string
  readonly sender: string
}

/** What an event carries for the subscription (`wages/paid`) that has it; undefined for an event that a contract declares. */
export function carriedBy(subscription: string, stream: string, type: string): Carried | undefined {
  const label = `${stream}.${type}`
  const asked = requestedBy(label)
  if (asked !== undefined) return { part: 'request', call: asked, sender: stream }
  if (!type.endsWith(replySuffix)) return undefined
  return { part: 'reply', call: label.slice(0, -replySuffix.length), sender: subscription.split('/', 1)[0] as string }
}

/** `bank.pay` for the event that asks for it, `wages.bank__pay`; undefined for any other. */
export function requestedBy(label: string): string | undefined {
  const [, service, name] = /^[^.]+\.([^_]+)__(.+)$/.exec(label) ?? []
  return name === undefined || label.endsWith(replySuffix) ? undefined : `${service}.${name}`
}

/** True for the label of what is meant by naming this: of the event, or of the call and the events that carry it. */
export function isMeant({ label, kind }: AnyEvent | AnyCall, by: string): boolean {
  return by === label || (kind === 'call' && (by === `${label}${replySuffix}` || requestedBy(by) === label))
}

/** True for the name of an event that carries a call: its key is whatever its sender gave. */
export const isCarrier = (name: string): boolean => name.includes('__')
