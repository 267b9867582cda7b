import { messageOf, SkerryError } from '../../errors.ts'
import { stateOf } from './errors.ts'
import type { Place } from './place.ts'
import { Statements } from './statements.ts'
import { Wire } from './wire.ts'

/** A connection and what is prepared on it. */
export class Session {
  readonly wire: Wire
  #statements: Statements

  constructor(wire: Wire) {
    this.wire = wire
    this.#statements = new Statements(wire)
  }

  get own(): Statements['own'] {
    return this.#statements.own.bind(this.#statements)
  }

  get users(): Statements['users'] {
    return this.#statements.users.bind(this.#statements)
  }

  /** They are not what this connection thinks. Where a pooler is to blame, none is given a name any more. */
  forgetStatements(error: unknown): void {
    if (stateOf(error) !== '0A000') this.wire.place.named = false
    this.#statements = new Statements(this.wire)
  }
}

/** A connection for one use at a time; made when it is needed, and made again after it broke. */
export class Link {
  readonly #place: Place
  #session: Session | undefined

  constructor(place: Place, session?: Session) {
    this.#place = place
    this.#session = session
  }

  async session(): Promise<Session> {
    if (this.#session && !this.#session.wire.dead) return this.#session
    await this.#session?.wire.close()
    this.#session = undefined
    try {
      this.#session = new Session(await Wire.connect(this.#place))
      return this.#session
    } catch (error) {
      if (error instanceof SkerryError) throw error
      throw new SkerryError(
        'io_error',
        `${this.#place.name}: ${messageOf(error)}; work goes on when it can be reached`,
        {
          cause: error,
        },
      )
    }
  }

  async close(): Promise<void> {
    await this.#session?.wire.close()
    this.#session = undefined
  }
}

/** Links that are used side by side, up to a number; then callers wait in order. */
export class Links {
  readonly #place: Place
  readonly #most: number
  #links: Link[] = []
  #idle: Link[] = []
  #waiting: { take: (link: Link) => void; refuse: (error: SkerryError) => void }[] = []
  #closed: (() => void) | undefined

  constructor(place: Place, most: number) {
    this.#place = place
    this.#most = most
  }

  async use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const link = await this.#take()
    try {
      return await work(await link.session())
    } finally {
      this.#give(link)
    }
  }

  /** Resolves when the last one is done. */
  async close(): Promise<void> {
    const last = new Promise<void>((resolve) => {
      this.#closed = resolve
    })
    const error = new SkerryError('closed', `the store ${this.#place.name} is closed`)
    for (const waiting of this.#waiting.splice(0)) waiting.refuse(error)
    if (this.#idle.length < this.#links.length) await last
    await Promise.all(this.#links.map((link) => link.close()))
  }

  #take(): Link | Promise<Link> {
    const idle = this.#idle.pop()
    if (idle) return idle
    if (this.#links.length >= this.#most) return new Promise((take, refuse) => this.#waiting.push({ take, refuse }))
    const link = new Link(this.#place)
    this.#links.push(link)
    return link
  }

  #give(link: Link): void {
    const next = this.#waiting.shift()
    if (next) next.take(link)
    else this.#idle.push(link)
    if (this.#idle.length === this.#links.length) this.#closed?.()
  }
}
