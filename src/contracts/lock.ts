import type { AnyCall } from '../call.ts'
import { type AnyContract, type AnyEvent, info } from '../contract.ts'
import { codeOf, SkerryError } from '../errors.ts'
import { type Breaking, breakingChanges, type Shape, type Side } from './compatible.ts'
import { type Message, messagesOf } from './messages.ts'
import { type Numbers, numbered, wrongNumbers } from './proto.ts'

/** What was promised to others, as it is committed beside the code. Newer promises are added; none is taken back in silence. */
export interface Lock {
  readonly format: 1
  readonly services: Readonly<Record<string, ServiceLock>>
}

interface ServiceLock {
  /** Numbers of fields in the messages of its calls, for protobuf. */
  readonly numbers: Numbers
  readonly events: Readonly<Record<string, EventLock>>
  readonly calls: Readonly<Record<string, CallLock>>
}

interface EventLock {
  readonly version: number
  readonly data: Shape
}

interface CallLock {
  readonly http: string
  readonly idempotent: boolean
  readonly input: Shape
  readonly output: Shape
  /** By name: status, and the schema of what goes with it. */
  readonly errors: Readonly<Record<string, { readonly status: number; readonly data?: Shape }>>
  /** Who may send it, in the order of their names; absent where nobody may. */
  readonly senders?: readonly string[]
}

/** Beside the code, and committed with it. */
export const lockFile = 'contracts.lock.json'

export const emptyLock: Lock = { format: 1, services: {} }

/** One promise that would be broken: `shop.placed: id: it is gone`. */
export interface Broken extends Breaking {
  /** `shop.placed`, `shop.place input` */
  readonly what: string
}

/** Throws `invalid_config` for a text that is no lock. */
export function readLock(text: string, file: string): Lock {
  let lock: unknown
  try {
    lock = JSON.parse(text)
  } catch (cause) {
    throw new SkerryError('invalid_config', `${file} is not JSON; take it from the last commit`, { cause })
  }
  if ((lock as Partial<Lock> | null)?.format !== 1 || typeof (lock as Lock).services !== 'object')
    throw new SkerryError('invalid_config', `${file} is no lock of contracts of format 1; take it from the last commit`)
  return lock as Lock
}

/** What contracts promise now. */
export function promisesOf(contracts: readonly AnyContract[]): Lock {
  const services = contracts.map((contract) => {
    const { name, events, calls } = contract[info]
    const numbers = numbered({}, sayable([...calls.values()]))
    const lock: ServiceLock = { numbers, events: mapped(events, eventLock), calls: mapped(calls, callLock) }
    return [name, lock] as const
  })
  return { format: 1, services: Object.fromEntries(services) }
}

/** Messages of those calls that protobuf can say; the others are served over HTTP alone. */
function sayable(calls: readonly AnyCall[]): readonly Message[] {
  return calls.flatMap((type) => {
    try {
      return messagesOf(type)
    } catch (error) {
      if (codeOf(error) === 'invalid_config') return []
      throw error
    }
  })
}

/** The lock with what is new; services that are not among these stay as they are, and so does every number. */
export function grown(lock: Lock, contracts: readonly AnyContract[]): Lock {
  const now = promisesOf(contracts)
  const services: Record<string, ServiceLock> = { ...lock.services }
  for (const contract of contracts) {
    const { name, calls } = contract[info]
    const numbers = numbered(lock.services[name]?.numbers ?? {}, sayable([...calls.values()]))
    services[name] = { ...(now.services[name] as ServiceLock), numbers }
  }
  return { format: 1, services: Object.fromEntries(Object.entries(services).sort(([a], [b]) => (a < b ? -1 : 1))) }
}

const eventLock = (type: AnyEvent): EventLock => ({ version: type.version, data: type.jsonSchema() })

function callLock(type: AnyCall): CallLock {
  const errors = mapped(type.errors, (error) => {
    const data = error.schema()
    return { status: error.status, ...(data && { data }) }
  })
  const { method, path, idempotent } = type
  const senders = [...type.senders].sort()
  return {
    ...{ http: `${method} ${path}`, idempotent, input: type.inputSchema(), output: type.outputSchema(), errors },
    ...(senders.length > 0 && { senders }),
  }
}

function mapped<A, B>(from: ReadonlyMap<string, A>, to: (one: A) => B): Record<string, B> {
  return Object.fromEntries([...from].map(([name, one]) => [name, to(one)]))
}

/** Promises of the lock that contracts break now. */
export function brokenPromises(lock: Lock, contracts: readonly AnyContract[]): readonly Broken[] {
  const now = promisesOf(contracts)
  return contracts.flatMap((contract) => {
    const { name: service, calls: types } = contract[info]
    const [before, promises] = [lock.services[service], now.services[service] as ServiceLock]
    if (!before) return []
    const numbers = wrongNumbers(before.numbers, sayable([...types.values()])).map((why) => ({
      ...{ what: service, path: '', why, instead: 'give it a new name, and so a new number' },
    }))
    const events = Object.entries(before.events).flatMap(([name, old]) =>
      brokenEvent(`${service}.${name}`, old, promises.events[name]),
    )
    const calls = Object.entries(before.calls).flatMap(([name, old]) =>
      brokenCall(`${service}.${name}`, old, promises.calls[name]),
    )
    return [...events, ...calls, ...numbers]
  })
}

function brokenEvent(what: string, before: EventLock, now: EventLock | undefined): readonly Broken[] {
  if (!now) return [gone(what)]
  if (now.version < before.version) {
    const why = `its version went from ${before.version} back to ${now.version}`
    return [{ what, path: '', why, instead: `raise it above ${before.version}` }]
  }
  // Upcasters bring what is kept up to date; who does not know the new version keeps its events until it does.
  if (now.version > before.version) return []
  const instead = `; or raise the version to ${before.version + 1} and add an upcaster from ${before.version}`
  return broken(what, before.data, now.data, 'both').map((one) => ({ ...one, instead: `${one.instead}${instead}` }))
}

function brokenCall(what: string, before: CallLock, now: CallLock | undefined): readonly Broken[] {
  if (!now) return [gone(what)]
  const found: Broken[] = []
  if (now.http !== before.http) {
    const why = `its route was ${before.http} and is ${now.http}`
    found.push({ what, path: '', why, instead: 'keep it; a new route is a new call beside it' })
  }
  if (before.idempotent && !now.idempotent)
    found.push({ what, path: '', why: 'it is not idempotent any more', instead: 'keep it; callers repeat it' })
  found.push(...brokenSenders(what, before.senders ?? [], now.senders ?? []))
  found.push(...broken(`${what} input`, before.input, now.input, 'given'))
  found.push(...broken(`${what} output`, before.output, now.output, 'received'))
  for (const [name, old] of Object.entries(before.errors)) {
    const error = now.errors[name]
    // One that is not given any more is missed by nobody.
    if (error && error.status !== old.status) {
      const why = `its status was ${old.status} and is ${error.status}`
      found.push({ what: `${what} error ${name}`, path: '', why, instead: `keep ${old.status}` })
    }
    if (error && old.data) found.push(...broken(`${what} error ${name}`, old.data, error.data ?? {}, 'received'))
  }
  return found
}

/** Nobody reads any more what a sender that is gone has sent, or goes on sending. */
function brokenSenders(what: string, before: readonly string[], now: readonly string[]): readonly Broken[] {
  return before
    .filter((sender) => !now.includes(sender))
    .map((sender) => ({
      ...{ what, path: '', why: `${sender} may not send it any more` },
      instead:
        `keep it among the senders; let ${sender} stop sending first, deploy that, and once all is answered ` +
        'take it out here, and out of the lock by hand',
    }))
}

const broken = (what: string, before: Shape, now: Shape, side: Side): readonly Broken[] =>
  breakingChanges(before, now, side).map((one) => ({ what, ...one }))

const gone = (what: string): Broken => ({
  ...{
    what,
    path: '',
    why: 'it is gone',
    instead: 'keep it until nobody uses it, then take it out of the lock by hand',
  },
})
