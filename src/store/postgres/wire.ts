import type pg from 'pg'
import { messageOf, SkerryError } from '../../errors.ts'
import { randomIdentity } from '../../ids.ts'
import { inTime, systemClock } from '../../time.ts'
import type { Place } from './place.ts'
import { questionAbout, type Seen, seenIn } from './probe.ts'
import type { Column, Wired } from './values.ts'
import { Watchdog } from './watchdog.ts'

export interface Answer {
  readonly rows: (string | null)[][]
  /** What the command did, such as `UPDATE 3`. */
  readonly tag: string
  readonly columns: readonly Column[]
  readonly parameters: readonly number[]
}

/** One statement on its way. With a text it is parsed under its name first; without values it is only described. */
export interface Step {
  readonly name: string
  readonly text?: string
  readonly types?: readonly number[]
  readonly values?: readonly Wired[]
  /** Throws when it must not be sent any more. */
  readonly check?: () => void
}

interface Sent extends Step {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/** The parts of `pg`'s connection that a query of one's own may use: see `Submittable` and node-pg-cursor. */
interface Protocol {
  readonly stream: { readonly bytesRead: number; cork(): void; uncork(): void; destroy(error: Error): void }
  parse(message: { name: string; text: string; types: readonly number[] }): void
  bind(message: { portal: string; statement: string; values: readonly Wired[] }): void
  describe(message: { type: 'S'; name: string }): void
  execute(message: { portal: string }): void
  sync(): void
  on(event: 'parameterDescription', listener: (message: { dataTypeIDs: number[] }) => void): void
  on(event: 'noData', listener: () => void): void
}

const closeWithinMs = 1000
/** Whoever looks for another connection's answer waits for so long for their own. */
const lookMs = 2000

/**
 * One connection. Statements asked for while others are under way, or in the same moment, travel together: one round trip,
 * with one `Sync` at its end. When one of them fails the server skips the rest of its company, and all of those reject
 * with the same error.
 */
export class Wire {
  readonly place: Place
  readonly #client: pg.Client
  #queue: Sent[] = []
  #flight: Flight | undefined
  #scheduled = false
  #names = 0
  readonly #identity = randomIdentity().slice(0, 16)
  #controls = new Map<string, string>()
  #death: Error | undefined
  readonly #watchdog: Watchdog

  private constructor(place: Place, client: pg.Client) {
    this.place = place
    this.#client = client
    this.#watchdog = new Watchdog({
      clock: systemClock,
      answerMs: place.answerMs,
      quietMs: place.quietMs,
      look: () => this.#look(),
      heard: () => this.#protocol.stream.bytesRead,
      lost: (why) => this.destroy(new Error(why)),
    })
    client.on('error', (error) => this.#died(error))
    client.on('end', () => this.#died(new Error('the connection was closed')))
    this.#protocol.on('parameterDescription', (message) => this.#flight?.describes(message.dataTypeIDs))
    this.#protocol.on('noData', () => this.#flight?.handleRowDescription({ fields: [] }))
  }

  static async connect(place: Place): Promise<Wire> {
    const { default: library } = await import('pg').catch((cause: unknown) => {
      throw new SkerryError('invalid_config', 'the client library is missing: npm install pg', { cause })
    })
    const client = new library.Client(place.client)
    const wire = new Wire(place, client)
    try {
      await client.connect()
      return wire
    } catch (error) {
      await wire.close()
      throw error
    }
  }

  get #protocol(): Protocol {
    return (this.#client as unknown as { connection: Protocol }).connection
  }

  /** As the server calls this connection's process; a pooler says something else. */
  get #pid(): number {
    return (this.#client as unknown as { processID: number | null }).processID ?? 0
  }

  get dead(): boolean {
    return this.#death !== undefined
  }

  /** Nobody else's, ever: behind a pooler another client's statement of the same name would run instead. */
  newName(): string {
    return this.place.named ? `skerry_${this.#identity}_${++this.#names}` : ''
  }

  /** Sends a statement with what else is waiting, and resolves with what came back. */
  ask(step: Step): Promise<Answer> {
    const answer = this.#enqueue(step)
    if (!this.#flight && !this.#scheduled) {
      this.#scheduled = true
      queueMicrotask(() => {
        this.#scheduled = false
        if (!this.#flight) this.#fly()
      })
    }
    return answer
  }

  /** Sends a statement of fixed text along with the next that is asked for; `failed` is told if it did not work. */
  tell(text: string, failed: (error: unknown) => void): void {
    this.#enqueue(this.controlStep(text)).then(() => {}, failed)
  }

  /** Sends a statement of fixed text. */
  control(text: string): Promise<Answer> {
    return this.ask(this.controlStep(text))
  }

  /**
   * Runs the statements of a script, however long they take. Nothing else may be under way. A script cannot be prepared, and
   * the first of its statements that fails ends it.
   */
  script(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      void this.#client.query(text, (error: Error | null) => (error ? reject(error) : resolve()))
    })
  }

  /** Calls `listener` with what others notify; resolves when the connection has ended. */
  onNotification(listener: (payload: string) => void): Promise<void> {
    this.#client.on('notification', ({ payload }) => listener(payload ?? ''))
    return new Promise((resolve) => {
      if (this.dead) resolve()
      else this.#client.once('end', resolve)
    })
  }

  /** Closes in good order; what is under way is answered first. */
  async close(): Promise<void> {
    const ended = this.#client.end().catch(() => {})
    // A peer that is gone without a word would be waited for till TCP gives up.
    if (!(await inTime(systemClock, closeWithinMs, ended))) this.destroy(new Error('the connection does not close'))
    this.#watchdog.stop()
  }

  /** Cuts the connection: the server rolls back what it has not committed. */
  destroy(error: Error): void {
    this.#died(error)
    this.#protocol.stream.destroy(error)
  }

  controlStep(text: string): Step {
    const known = this.#controls.get(text)
    if (known !== undefined && this.place.named) return { name: known, values: [] }
    const name = this.newName()
    return { name, text, values: [] }
  }

  #enqueue(step: Step): Promise<Answer> {
    return new Promise((resolve, reject) => this.#queue.push({ ...step, resolve, reject }))
  }

  #fly(): void {
    const steps: Sent[] = []
    for (const step of this.#queue.splice(0)) {
      try {
        if (this.#death) throw this.#death
        step.check?.()
        steps.push(step)
      } catch (error) {
        step.reject(error)
      }
    }
    if (steps.length === 0) return
    const flight = new Flight(
      steps,
      (step) => this.#learn(step),
      () => this.#landed(flight),
    )
    this.#flight = flight
    this.#watchdog.asked()
    this.#client.query(flight as unknown as pg.Submittable)
  }

  /** A control that was parsed need not be again. */
  #learn(step: Step): void {
    if (step.text !== undefined && step.name !== '' && step.types === undefined)
      this.#controls.set(step.text, step.name)
  }

  #landed(flight: Flight): void {
    if (this.#flight !== flight) return
    this.#flight = undefined
    this.#watchdog.answered()
    if (this.#queue.length > 0) this.#fly()
  }

  async #look(): Promise<Seen> {
    let wire: Wire | undefined
    try {
      wire = await Wire.connect({ ...this.place, named: false, answerMs: lookMs, quietMs: lookMs })
      const { rows } = await wire.control(questionAbout(this.#pid))
      return seenIn(rows[0], wire.#pid)
    } catch {
      return 'unknown'
    } finally {
      void wire?.close()
    }
  }

  #died(error: Error): void {
    this.#death ??= new Error(messageOf(error), { cause: error })
    this.#watchdog.stop()
    const waiting = [...(this.#flight ? [this.#flight] : [])]
    this.#flight = undefined
    for (const flight of waiting) flight.handleError(this.#death)
    for (const step of this.#queue.splice(0)) step.reject(this.#death)
  }
}

/** Some statements under way; what `pg` calls a submittable. */
class Flight {
  readonly #steps: readonly Sent[]
  readonly #learn: (step: Step) => void
  readonly #landed: () => void
  #at = 0
  #rows: (string | null)[][] = []
  #columns: Column[] = []
  #parameters: number[] = []

  constructor(steps: readonly Sent[], learn: (step: Step) => void, landed: () => void) {
    this.#steps = steps
    this.#learn = learn
    this.#landed = landed
  }

  submit(protocol: Protocol): void {
    // One packet for all of it.
    protocol.stream.cork()
    for (const { name, text, types, values } of this.#steps) {
      if (text !== undefined) protocol.parse({ name, text, types: types ?? [] })
      if (values === undefined) protocol.describe({ type: 'S', name })
      else {
        protocol.bind({ portal: '', statement: name, values })
        protocol.execute({ portal: '' })
      }
    }
    protocol.sync()
    protocol.stream.uncork()
  }

  describes(parameters: number[]): void {
    this.#parameters = parameters
  }

  handleRowDescription({ fields }: { fields: readonly { name: string; dataTypeID: number }[] }): void {
    this.#columns = fields.map(({ name, dataTypeID }) => ({ name, type: dataTypeID }))
    this.#done('')
  }

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    this.#rows.push(fields)
  }

  handleCommandComplete({ text }: { text: string }): void {
    this.#done(text)
  }

  handleEmptyQuery(): void {
    this.#done('')
  }

  handleError(error: unknown): void {
    const rest = this.#steps.slice(this.#at)
    this.#at = this.#steps.length
    for (const step of rest) step.reject(error)
    this.#landed()
  }

  handleReadyForQuery(): void {
    this.#landed()
  }

  #done(tag: string): void {
    const step = this.#steps[this.#at++]
    if (!step) return
    this.#learn(step)
    step.resolve({ rows: this.#rows, tag, columns: this.#columns, parameters: this.#parameters })
    this.#rows = []
    this.#columns = []
    this.#parameters = []
  }
}
