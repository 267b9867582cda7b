import { type Invocation, longestDeadlineMs } from '../../call.ts'
import { codeOf, messageOf, SkerryError } from '../../errors.ts'
import type { Attributes, Delivery } from '../../event.ts'
import { derivedId, randomIdentity, uuidv7 } from '../../ids.ts'
import type { AnyService, CallDefinition } from '../../service.ts'
import type { Store } from '../../store/store.ts'
import type { Watcher } from '../../telemetry.ts'
import { breathe, type Clock } from '../../time.ts'
import { BudgetWatch } from '../budget.ts'
import type { Caller } from '../calling.ts'
import type { Emissions } from '../emissions.ts'
import type { CallRequest } from '../handler.ts'
import { freeConflicts } from '../retry.ts'
import type { Room } from '../room.ts'
import { answered, inProgress, lateness } from './attempt.ts'
import { digestOf } from './digest.ts'
import { CallGroup } from './group.ts'
import { callStream, forgetKeys, intend, type Keyed, known, withdraw } from './keys.ts'
import { runPrepare } from './preparing.ts'
import { readAnswer } from './reading.ts'

export interface CallsOptions {
  readonly service: AnyService
  readonly store: Store
  readonly clock: Clock
  readonly watcher: Watcher
  readonly room: Room
  readonly emissions: Emissions
  readonly maxEventBytes: number
  /** Longest uninterrupted `handle`, in milliseconds. @default 100; none under a debugger */
  readonly budgetMs: number
  /** Carries the calls that handlers of calls make. */
  readonly caller: Caller
}

/** One call on its way. */
interface Current {
  readonly definition: CallDefinition
  readonly request: CallRequest
  readonly delivery: Delivery
  readonly deadline: number
  readonly signal: AbortSignal | undefined
  readonly keyed: Keyed | undefined
}

const forgetEveryMs = 60_000
const noAttributes: Attributes = Object.freeze({})

/** Answers the calls of one service: handlers run in the store, as those of events do. */
export class Calls {
  readonly #options: CallsOptions
  readonly #group: CallGroup
  /** Idempotency keys that are at work here, by call and key. */
  readonly #running = new Map<string, string>()
  #forgetAt = 0

  constructor(options: CallsOptions) {
    this.#options = options
    this.#group = new CallGroup({ ...options, watch: new BudgetWatch(options.clock) })
  }

  /** Resolves with the JSON of the output once all effects are on disk. Rejects with what went wrong; then there are none. */
  async invoke(invocation: Invocation): Promise<string> {
    const { service, clock, watcher } = this.#options
    const since = clock.monotonic()
    const definition = service.calls.get(invocation.call)
    if (!definition) throw new SkerryError('not_found', `${service.name} answers no call '${invocation.call}'`)
    const id = this.#idOf(definition, invocation)
    const tell = (code: string, message: string): void => {
      const latencyMs = clock.monotonic() - since
      watcher({ kind: 'call', call: definition.type.label, id, latencyMs, code, message })
    }
    try {
      const text = await this.#answer(definition, invocation, id, since)
      tell('ok', '')
      return text
    } catch (error) {
      tell(codeOf(error), messageOf(error))
      throw error
    }
  }

  #idOf({ type }: CallDefinition, { key }: Invocation): string {
    return key === undefined || type.idempotent
      ? uuidv7(this.#options.clock.wall())
      : derivedId(this.#options.service.name, 'call', type.name, key)
  }

  async #answer(definition: CallDefinition, invocation: Invocation, id: string, since: number): Promise<string> {
    const { store, clock } = this.#options
    const { type } = definition
    const { from } = invocation
    if (type.from && !(from !== undefined && type.from.includes(from)))
      throw new SkerryError(
        'unauthorized',
        `${type.label}: may not be called by ${from ?? 'whoever does not say who it is'}`,
      )
    const input = type.take(invocation.input)
    const waitMs = Math.min(invocation.deadlineMs ?? type.deadlineMs, longestDeadlineMs)
    const wall = clock.wall()
    const request: CallRequest = {
      id,
      from,
      input,
      key: invocation.key,
      time: new Date(wall),
      deadline: new Date(wall + waitMs),
      attributes: invocation.attributes ?? noAttributes,
    }
    const keyed = this.#keyedOf(definition, invocation, wall)
    const delivery = deliveryOf(type.name, request, wall)
    const current: Current = {
      definition,
      request,
      delivery,
      deadline: since + waitMs,
      signal: invocation.signal,
      keyed,
    }
    if (type.readOnly) return readAnswer(store, clock, current)
    try {
      return await (keyed ? this.#once(current, keyed) : this.#run(current))
    } finally {
      if (keyed || definition.handler.prepare) void this.#forget()
    }
  }

  #keyedOf({ type }: CallDefinition, { key, input }: Invocation, wall: number): Keyed | undefined {
    if (key === undefined || type.idempotent) return undefined
    return { call: type.label, key, digest: digestOf(input), owner: randomIdentity(), forget: wall + type.rememberMs }
  }

  /** At most one run of a key here at a time; what other processes run is known by the store. */
  async #once(current: Current, keyed: Keyed): Promise<string> {
    const place = `${keyed.call}\n${keyed.key}`
    const running = this.#running.get(place)
    if (running !== undefined && running !== keyed.digest)
      throw new SkerryError(
        'key_reused',
        `${keyed.call}: its idempotency key is in use, with another input; use a new one`,
      )
    if (running !== undefined) throw inProgress(keyed.call)
    this.#running.set(place, keyed.digest)
    try {
      const before = current.definition.handler.prepare && (await this.#begin(current, keyed))
      if (before !== undefined) return before
      return await this.#run(current).catch((error: unknown) => this.#withdraw(current, keyed, error))
    } finally {
      this.#running.delete(place)
    }
  }

  /** For a call that does something outside before it commits: its intent, or the answer that is there already. */
  async #begin({ definition, deadline, request }: Current, keyed: Keyed): Promise<string | undefined> {
    const { store, clock } = this.#options
    const wall = request.time.getTime()
    const found = await store.write(async (tx) => {
      const found = await known(tx, keyed, wall)
      if (found.state === 'running' && found.until > wall) throw inProgress(keyed.call)
      // Past its deadline nothing of it takes effect any more: it may be run again.
      if (found.state !== 'answered') await intend(tx, keyed, wall + Math.ceil(deadline - clock.monotonic()))
      return found
    }, 'bookkeeping')
    return found.state === 'answered' ? answered(definition, found.answer) : undefined
  }

  async #withdraw({ definition }: Current, keyed: Keyed, error: unknown): Promise<never> {
    // What is unknown, or was refused, stays as it is. A failure here changes nothing but how long others wait.
    if (definition.handler.prepare && codeOf(error) !== 'outcome_unknown' && codeOf(error) !== 'refused')
      await this.#options.store.write((tx) => withdraw(tx, keyed), 'bookkeeping').catch(() => {})
    throw error
  }

  /** Both steps; again when a row's version was stale. */
  async #run(current: Current): Promise<string> {
    const { store, clock, caller } = this.#options
    for (let reruns = 0; ; reruns++) {
      const { prepared, usedOnce } = await runPrepare(store, clock, caller, current)
      const outcome = await this.#group.run({ ...current, prepared, usedOnce, overran: false })
      if (outcome.kind === 'answered') return answered(current.definition, outcome.answer)
      const { error } = outcome
      if (codeOf(error) !== 'version_conflict' || reruns >= freeConflicts) throw error
      const tooLate = lateness(current, clock)
      if (tooLate) throw tooLate
    }
  }

  /** A minute after another: answers that are old enough. Nobody waits for it. */
  async #forget(): Promise<void> {
    const { clock, store } = this.#options
    if (clock.monotonic() < this.#forgetAt) return
    this.#forgetAt = clock.monotonic() + forgetEveryMs
    try {
      while (await store.write((tx) => forgetKeys(tx, clock.wall()), 'bookkeeping')) await breathe()
    } catch {
      // Whatever is wrong with the store, the next call says it; nothing depends on when this is done.
    }
  }
}

function deliveryOf(name: string, { id, attributes }: CallRequest, time: number): Delivery {
  const record = { id, type: name, version: 1, key: '', time, due: 0, expires: 0, attributes, data: '' }
  return { stream: callStream, position: 0, record }
}
