import type { Incoming, Intake } from '../../bus/foreign.ts'
import { codeOf, messageOf, SkerryError } from '../../errors.ts'
import type { EventRecord } from '../../event.ts'
import { defaultRememberMs, identityOf, type SourceDefinition } from '../../foreign.ts'
import { uuidv7 } from '../../ids.ts'
import { laneCount } from '../../keys.ts'
import type { Store, StoreTx } from '../../store/store.ts'
import type { Watcher } from '../../telemetry.ts'
import { type Clock, pause } from '../../time.ts'
import { outboxBacklog, putOutbox } from '../outbox.ts'
import { dueExceptions } from '../positions.ts'
import type { Relay } from '../relay.ts'
import { type Again, takeAgain } from './again.ts'
import { buryMessage, type Poison } from './bury.ts'
import { countOutcomes, forgetSeen, ownsRelay, placesOf, recordSeen, setPlaces } from './seen.ts'
import { contentOf, eventIdOf, foreignType, identify, poison, type Translated, translate } from './translate.ts'

export interface TakingOptions {
  readonly service: string
  readonly definition: SourceDefinition
  readonly store: Store
  readonly relay: Relay
  readonly me: string
  readonly clock: Clock
  readonly watcher: Watcher
  readonly maxEventBytes: number
  readonly outboxLimit: number
}

/** One message on its way into the store. */
interface Arrived {
  readonly incoming: Incoming
  /** Undefined for one that is always new. */
  readonly identity: string | undefined
  readonly result: Translated
}

const allLanes = { from: 0, to: laneCount }
const firstWaitMs = 20
const longestWaitMs = 2000

/** Ids are forgotten only after a time of receiving: what the other side still held has come again by then. */
const settledMs = 10 * 60_000
const forgetEveryMs = 60_000

/**
 * Takes the messages of one source into the store: which of them are new, the events that they become, in the outbox, and dead
 * letters, in one transaction. The other side is told afterwards; a crash in between brings them again, and they are known.
 */
export class Taking implements Intake {
  readonly label: string
  readonly #options: TakingOptions
  readonly #abort = new AbortController()
  #away = false
  /** Monotonic time since when messages come, or could. */
  #since: number | undefined
  #forgetAt = 0

  constructor(options: TakingOptions) {
    this.#options = options
    this.label = `${options.service}/${options.definition.name}`
  }

  get definition(): SourceDefinition {
    return this.#options.definition
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  end(): void {
    this.#abort.abort()
  }

  async take(messages: readonly Incoming[]): Promise<void> {
    const { clock, watcher, relay } = this.#options
    const arrived = messages.map((incoming) => this.#arrive(incoming))
    for (let waitMs = firstWaitMs, paused = false; ; waitMs = Math.min(longestWaitMs, waitMs * 2)) {
      try {
        this.#sendOn(await this.#commit(arrived))
        if (paused) watcher({ kind: 'resumed', where: this.label })
        return
      } catch (error) {
        if (this.signal.aborted || codeOf(error) === 'closed') throw error
        // Who lost its place hears so in a moment, and stops; or gets it back.
        if (codeOf(error) !== 'fenced') this.#reportPause(error, waitMs)
        paused ||= codeOf(error) !== 'fenced'
        // What was committed in doubt, or fills the outbox, is for the relay to find.
        relay.look()
      }
      await pause(clock, waitMs, this.signal)
      if (this.signal.aborted) throw new SkerryError('closed', `${this.label}: stopped`)
    }
  }

  places(parts: readonly string[]): Promise<Readonly<Record<string, number>>> {
    return this.#options.store.read((tx) => placesOf(tx, this.label, parts))
  }

  begin(places: Readonly<Record<string, number>>): Promise<void> {
    return this.#options.store.write(async (tx) => {
      await this.#mustBeOurs(tx)
      await setPlaces(tx, this.label, places)
    }, 'bookkeeping')
  }

  interrupted(error: unknown, retryInMs: number): void {
    this.#away = true
    this.#since = undefined
    this.#reportPause(error, retryInMs)
  }

  resumed(): void {
    this.#since ??= this.#options.clock.monotonic()
    if (this.#away) this.#options.watcher({ kind: 'resumed', where: this.label })
    this.#away = false
  }

  /** Takes up what an operator handed back. */
  async takeAgain(): Promise<void> {
    const { store, service, clock } = this.#options
    const wall = clock.wall()
    if ((await store.read((tx) => dueExceptions(tx, this.label, allLanes, wall, 1, 0))).length === 0) return
    const done = await store.write(async (tx) => {
      await this.#mustBeOurs(tx)
      return takeAgain(tx, { service, label: this.label }, wall, (message, id) => this.#translate(message, id))
    }, 'bookkeeping')
    this.#sendOn(done)
  }

  /** Forgets ids that are old enough. */
  async forget(): Promise<void> {
    const { clock, store, definition } = this.#options
    const now = clock.monotonic()
    if (this.#since === undefined || now < this.#since + settledMs || now < this.#forgetAt) return
    this.#forgetAt = now + forgetEveryMs
    const before = clock.wall() - (definition.options.rememberMs ?? defaultRememberMs)
    await store.write((tx) => forgetSeen(tx, this.label, before), 'bookkeeping')
  }

  #sendOn({ emitted, dead }: Again): void {
    const { relay } = this.#options
    if (emitted === 'unnumbered') relay.look()
    else if (emitted) relay.offer(emitted)
    for (const one of dead) this.#reportDead(one.record.id, one.code, one.message)
  }

  #translate(message: Incoming['message'], id: string): Translated {
    const { definition, store, maxEventBytes, clock } = this.#options
    const how = { label: this.label, definition, sender: store.identity, maxBytes: maxEventBytes }
    return translate(message, id, clock.wall(), how)
  }

  async #commit(arrived: readonly Arrived[]): Promise<Again> {
    const { store, clock } = this.#options
    const wall = clock.wall()
    return store.write(async (tx) => {
      await this.#mustBeOurs(tx)
      await this.#mustHaveRoom(tx)
      const fresh = await this.#fresh(tx, arrived, wall)
      const records: EventRecord[] = []
      const dead: Poison[] = []
      let ignored = 0
      for (const { result } of fresh) {
        if (result.kind === 'event') records.push(result.record)
        else if (result.kind === 'ignored') ignored++
        else dead.push(result)
      }
      const emitted = records.length > 0 ? await putOutbox(tx, records) : undefined
      for (const one of dead) await buryMessage(tx, this.#options.service, this.label, one, wall)
      const duplicate = arrived.length - fresh.length
      const counts = { received: records.length, duplicate, ignored, poison: dead.length }
      await countOutcomes(tx, this.label, Object.fromEntries(Object.entries(counts).filter(([, n]) => n > 0)))
      return { emitted, dead }
    }, 'bookkeeping')
  }

  /** Those that did not come before: by their place where they have one in order, else by their ids. Records them. */
  async #fresh(tx: StoreTx, arrived: readonly Arrived[], wall: number): Promise<readonly Arrived[]> {
    const parts = [...new Set(arrived.flatMap(({ incoming }) => incoming.offset?.part ?? []))]
    const places: Record<string, number> = parts.length > 0 ? { ...(await placesOf(tx, this.label, parts)) } : {}
    const ahead = arrived.filter(({ incoming: { offset } }) => {
      if (!offset) return true
      if (offset.at < (places[offset.part] ?? 0)) return false
      places[offset.part] = offset.at + 1
      return true
    })
    if (parts.length > 0) await setPlaces(tx, this.label, places)
    // By its place alone: no id needs to be kept.
    const byId = (one: Arrived): boolean =>
      one.identity !== undefined && !(one.incoming.offset && one.identity === one.incoming.message.place)
    const fresh = await recordSeen(
      tx,
      this.label,
      ahead.filter(byId).map(({ identity }) => identity as string),
      wall,
    )
    // Taken out as it is found: an id that is there twice is new once.
    return ahead.filter((one) => !byId(one) || fresh.delete(one.identity as string))
  }

  #arrive(incoming: Incoming): Arrived {
    const { definition, clock } = this.#options
    const { message } = incoming
    try {
      const identity = identify(message, identityOf(this.label, definition.options))
      const id = identity === undefined ? uuidv7(clock.wall()) : eventIdOf(this.label, identity)
      return { incoming, identity, result: this.#translate(message, id) }
    } catch (error) {
      // Nothing tells it from others, but what it says does: the same one is one dead letter.
      const identity = contentOf(message)
      const id = eventIdOf(this.label, identity)
      return { incoming, identity, result: poison(message, id, message.time || clock.wall(), error) }
    }
  }

  async #mustBeOurs(tx: StoreTx): Promise<void> {
    if (await ownsRelay(tx, this.#options.me)) return
    throw new SkerryError('fenced', `${this.label}: another process runs it now`)
  }

  async #mustHaveRoom(tx: StoreTx): Promise<void> {
    const { outboxLimit } = this.#options
    if ((await outboxBacklog(tx)) < outboxLimit) return
    throw new SkerryError('overloaded', `the outbox holds ${outboxLimit} events that the bus has not taken`)
  }

  #reportPause(error: unknown, resumesInMs: number): void {
    const { watcher } = this.#options
    watcher({ kind: 'paused', where: this.label, code: codeOf(error), message: messageOf(error), resumesInMs })
  }

  #reportDead(id: string, code: string, message: string): void {
    this.#options.watcher({ kind: 'dead', subscription: this.label, type: foreignType, id, code, message })
  }
}
