import { errors, type Msg, type Subscription } from '@nats-io/transport-node'
import { SkerryError } from '../../errors.ts'
import { randomIdentity } from '../../ids.ts'
import { type Clock, inTime, type Timer } from '../../time.ts'
import type { Group, GroupChange, Release, Stop } from '../bus.ts'
import { Council, type Said } from './council.ts'
import type { Log } from './log.ts'
import { groupSubject, memberSubject } from './names.ts'
import { Tail } from './tail.ts'

const beatMs = 1000
/** What was said comes back sooner, or was lost on the way. */
const echoMs = 500
/** A member that was not heard of for so long is gone, whatever its connection says. */
const silentMs = 6000
/** After an interruption, members that were there before have so long to say that they are again. */
const graceMs = 3000

export interface SeatOptions {
  readonly log: Log
  readonly clock: Clock
  readonly group: string
  readonly member: string
  /** The JetStream stream that puts in order what members say, and what makes it where it is missing. */
  readonly stream: string
  readonly prepare: () => Promise<void>
  readonly onLeave: () => void
}

interface Waiting {
  readonly resolve: (release: Release) => void
  readonly reject: (error: SkerryError) => void
}

/** A member of a group. While it holds the turn and nobody else wants it, a turn costs nothing. */
export class Seat implements Group {
  readonly #options: SeatOptions
  readonly #listeners = new Set<(change: GroupChange) => void>()
  readonly #waiting: Waiting[] = []
  readonly #heard = new Map<string, number>()
  readonly #tail: Tail
  readonly #presence: Subscription
  readonly #seat = randomIdentity()
  #council = new Council()
  /** Who was there before an interruption. */
  #before = new Set<string>()
  #restarted = 0
  /** What is said from now on is heard. */
  #started = false
  #applied = Promise.withResolvers<void>()
  #said = 0
  /** The latest of our own numbered messages that came back. */
  #answered = 0
  #busy = false
  #asked = false
  /** The turn came, and was not used yet. */
  #fresh = false
  /** The turn is given away, though the message has not come back yet. */
  #yielding = false
  #left = false
  #beat: Timer | undefined

  constructor(options: SeatOptions) {
    this.#options = options
    const { log, clock, stream, group, member, prepare } = options
    this.#tail = new Tail({
      ...{ log, clock, stream, prepare, subject: groupSubject(log.names, group) },
      onStart: () => this.#startOver(),
      onMessage: (message) => this.#receive(message),
    })
    // A process that ended is known at once: the server has nobody left to ask.
    this.#presence = log.link.connection.subscribe(memberSubject(log.names, group, member), {
      callback: (_error, message) => void message.respond(),
    })
    this.#scheduleBeat()
  }

  async members(): Promise<readonly string[]> {
    const { clock, log } = this.#options
    const deadline = log.link.deadline
    for (;;) {
      if (this.#left) throw this.#gone()
      log.link.refuseEnded()
      // Nobody can tell now who came or went; whoever waits for that could do nothing else meanwhile.
      if (log.link.away) return this.#lastKnown()
      if (await this.#heardOurselves()) {
        if (!this.#missing()) return this.#council.members
        await inTime(clock, 50, this.#applied.promise)
      }
      if (clock.monotonic() > deadline)
        throw new SkerryError('unavailable', `${log.link.where}: the group of ${this.#options.member} cannot be asked`)
    }
  }

  onChange(listener: (change: GroupChange) => void): Stop {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  nudge(): void {
    if (!this.#left) this.#tell({ kind: 'nudge', member: this.#options.member })
  }

  turn(): Promise<Release> {
    if (this.#left) return Promise.reject(this.#gone())
    if (this.#holds && !this.#busy && !this.#council.wanted) return Promise.resolve(this.#use())
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#next()
    })
  }

  leave(): void {
    if (this.#left) return
    this.#left = true
    this.#tell({ kind: 'leave', member: this.#options.member })
    this.#beat?.cancel()
    this.#tail.close()
    this.#presence.unsubscribe()
    this.#options.onLeave()
    for (const { reject } of this.#waiting.splice(0)) reject(this.#gone())
    this.#wake()
  }

  /** Says something and waits until it comes back: then all that was said before has come, too. False when it was lost. */
  async #heardOurselves(): Promise<boolean> {
    const { clock } = this.#options
    const until = clock.monotonic() + echoMs
    const soon = (): Promise<boolean> => inTime(clock, until - clock.monotonic(), this.#applied.promise)
    while (!this.#started) if (!(await soon())) return false
    const number = ++this.#said
    this.#tell(this.#here(), number)
    while (this.#answered < number) {
      if (this.#left) throw this.#gone()
      if (clock.monotonic() >= until || !(await soon())) return false
    }
    return true
  }

  #lastKnown(): readonly string[] {
    return [...new Set([...this.#before, ...this.#council.members, this.#options.member])].sort()
  }

  get #holds(): boolean {
    return this.#council.holder === this.#options.member && !this.#yielding
  }

  #here(): Said {
    const { member } = this.#options
    return { kind: 'here', member, holds: this.#holds, wants: this.#asked }
  }

  #startOver(): void {
    const held = this.#holds
    this.#before = new Set([...this.#before, ...this.#council.members])
    this.#restarted = this.#options.clock.monotonic()
    this.#council = new Council()
    this.#yielding = false
    // Whoever holds the turn says so before anybody asks for it again.
    this.#asked = false
    const { member } = this.#options
    if (!this.#left) this.#tell({ kind: 'here', member, holds: held }, ++this.#said)
    this.#started = true
    this.#wake()
  }

  /** Somebody who was there before the interruption, and may just not have come back yet. */
  #missing(): boolean {
    const { clock } = this.#options
    if (clock.monotonic() - this.#restarted > graceMs) this.#before.clear()
    return [...this.#before].some((member) => !this.#council.members.includes(member))
  }

  #receive(message: Msg): void {
    const said = message.json<Said & { readonly by?: string; readonly seat?: string; readonly number?: number }>()
    const { member, clock } = this.#options
    const own = said.member === member
    const wasGone = own && said.kind === 'gone'
    if (said.kind !== 'gone') this.#heard.set(said.member, clock.monotonic())
    if (said.kind === 'yield' && own) this.#yielding = false
    if (said.kind === 'leave' || said.kind === 'gone') this.#before.delete(said.member)
    const before = this.#council.holder
    const changed = this.#council.apply(said)
    if (before !== this.#council.holder) this.#fresh = this.#council.holder === member
    if (said.number !== undefined && said.seat === this.#seat) this.#answered = Math.max(this.#answered, said.number)
    if (changed && !own) this.#report('members')
    if (said.kind === 'nudge' && !own) this.#report('nudge')
    if (wasGone) {
      this.#yielding = false
      this.#tell(this.#here())
    }
    if (this.#holds) this.#asked = false
    this.#next()
    this.#wake()
  }

  #next(): void {
    if (this.#busy || this.#left) return
    const { member } = this.#options
    const served = !this.#fresh || this.#waiting.length === 0
    if (this.#holds && this.#council.wanted && served) {
      this.#yielding = true
      this.#tell({ kind: 'yield', member })
    }
    if (this.#waiting.length === 0) return
    if (this.#holds) (this.#waiting.shift() as Waiting).resolve(this.#use())
    else if (!this.#asked && !this.#missing()) {
      this.#asked = true
      this.#tell({ kind: 'want', member })
    }
  }

  #use(): Release {
    this.#busy = true
    this.#fresh = false
    let released = false
    return () => {
      if (released) return
      released = true
      this.#busy = false
      this.#next()
    }
  }

  /** What is lost on the way is said again with the next beat. */
  #tell(said: Said, number?: number): void {
    const { log, group } = this.#options
    if (log.link.away) return
    const message = { ...said, seat: this.#seat, ...(number !== undefined && { number }) }
    log.link.connection.publish(groupSubject(log.names, group), JSON.stringify(message))
  }

  #scheduleBeat(): void {
    this.#beat = this.#options.clock.after(
      beatMs,
      () => {
        this.#tell(this.#here())
        this.#next()
        void this.#lookAfter()
        this.#scheduleBeat()
      },
      { background: true },
    )
  }

  /** Each member looks after the next one, in a ring; and after the one whose turn it waits for. */
  async #lookAfter(): Promise<void> {
    const { log, clock, group, member } = this.#options
    const { members, holder } = this.#council
    const next = members[(members.indexOf(member) + 1) % members.length]
    for (const other of new Set([next, this.#asked ? holder : undefined])) {
      if (other === undefined || other === member || log.link.away) continue
      const silent = clock.monotonic() - (this.#heard.get(other) ?? 0) > silentMs
      const answer = log.link.connection.request(memberSubject(log.names, group, other), '', { timeout: beatMs })
      const ended = await answer.then(
        () => false,
        (error: unknown) => nobodyThere(error),
      )
      if ((ended || silent) && !this.#left) this.#tell({ kind: 'gone', member: other, by: member })
    }
  }

  #report(change: GroupChange): void {
    for (const listener of [...this.#listeners]) listener(change)
  }

  #wake(): void {
    const { resolve } = this.#applied
    this.#applied = Promise.withResolvers<void>()
    resolve()
  }

  #gone(): SkerryError {
    const { group, member } = this.#options
    return new SkerryError('closed', `${member} has left the group ${group}`)
  }
}

function nobodyThere(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  return error instanceof errors.NoRespondersError || cause instanceof errors.NoRespondersError
}
