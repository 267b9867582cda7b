import { SkerryError } from '../../errors.ts'
import type { Group, GroupChange, Release, Stop } from '../bus.ts'
import type { Down, Question, Up } from './protocol.ts'

export interface SeatOptions {
  readonly number: number
  readonly group: string
  readonly member: string
  readonly send: (message: Up) => void
  readonly ask: (question: Question) => Promise<unknown>
  /** True while something here waits for the writer. */
  readonly onWaiting: (waiting: boolean) => void
  readonly onLeave: () => void
}

interface Waiting {
  readonly resolve: (release: Release) => void
  readonly reject: (error: SkerryError) => void
}

/** A member of a group, on its own thread. While it holds the turn and nobody else wants it, a turn costs nothing. */
export class Seat implements Group {
  readonly #options: SeatOptions
  readonly #listeners = new Set<(change: GroupChange) => void>()
  readonly #waiting: Waiting[] = []
  /** Number of the grant that is held, or 0. */
  #grant = 0
  /** One of ours is using the turn. */
  #busy = false
  /** Another member wants it. */
  #wanted = false
  #asked = false
  #left = false

  constructor(options: SeatOptions) {
    this.#options = options
    const { number: seat, group, member } = options
    options.send({ kind: 'join', seat, group, member, grant: 0 })
  }

  async members(): Promise<readonly string[]> {
    if (this.#left) throw this.#gone()
    return (await this.#options.ask({ ask: 'members', group: this.#options.group })) as string[]
  }

  onChange(listener: (change: GroupChange) => void): Stop {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  nudge(): void {
    if (!this.#left) this.#options.send({ kind: 'nudge', seat: this.#options.number })
  }

  turn(): Promise<Release> {
    if (this.#left) return Promise.reject(this.#gone())
    if (this.#grant > 0 && !this.#busy && !this.#wanted) return Promise.resolve(this.#use())
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ resolve, reject }) === 1) this.#options.onWaiting(true)
      this.#next()
    })
  }

  leave(): void {
    if (this.#left) return
    this.#left = true
    this.#options.send({ kind: 'leave', seat: this.#options.number })
    this.#options.onLeave()
    this.fail(this.#gone())
  }

  /** Ends every wait here; the writer cannot be reached any more, or we left. */
  fail(error: SkerryError): void {
    if (this.#waiting.length === 0) return
    for (const { reject } of this.#waiting.splice(0)) reject(error)
    this.#options.onWaiting(false)
  }

  receive(message: Extract<Down, { seat: number }>): void {
    switch (message.kind) {
      case 'granted':
        this.#asked = false
        this.#grant = message.grant
        this.#wanted = false
        this.#next()
        break
      case 'wanted':
        if (message.grant === this.#grant) this.#wanted = true
        this.#next()
        break
      case 'revoked':
        if (message.grant !== this.#grant) return
        this.#grant = 0
        this.#wanted = false
        this.#next()
        break
      case 'changed':
        for (const listener of this.#listeners) listener(message.change)
    }
  }

  #use(): Release {
    this.#busy = true
    let released = false
    return () => {
      if (released) return
      released = true
      this.#busy = false
      this.#next()
    }
  }

  #next(): void {
    if (this.#busy || this.#left) return
    const { number: seat, send, onWaiting } = this.#options
    if (this.#grant > 0 && this.#wanted) {
      send({ kind: 'yield', seat, grant: this.#grant })
      this.#grant = 0
      this.#wanted = false
    }
    if (this.#waiting.length === 0) return
    if (this.#grant > 0) {
      const next = this.#waiting.shift() as Waiting
      if (this.#waiting.length === 0) onWaiting(false)
      next.resolve(this.#use())
    } else if (!this.#asked) {
      this.#asked = true
      send({ kind: 'want', seat })
    }
  }

  #gone(): SkerryError {
    const { group, member } = this.#options
    return new SkerryError('closed', `${member} has left the group ${group}`)
  }
}
