import { DatabaseSync } from 'node:sqlite'
import { isEnvironmental, SkerryError } from '../../errors.ts'
import type { Random } from '../../ids.ts'
import type { CrashHook } from '../../telemetry.ts'
import type { Clock, Timer } from '../../time.ts'
import { JumpDetector } from '../jumps.ts'
import { Lock, lockHolder } from './election.ts'
import { type Failure, toFailure } from './failures.ts'
import { fileIdentity } from './files.ts'
import { silenceMs } from './leader.ts'
import { connectTo, type Link } from './link.ts'
import { type Down, protocolVersion, type ToMain, type Up, type WorkerSettings } from './protocol.ts'
import type { Session } from './session.ts'
import { beginTerm, type Term } from './term.ts'

const beatMs = 500
/** How long the main thread may be busy before the process counts as silent. */
const mainSilenceMs = 5000
const retryMs = 10
/** One who never leads is in no hurry. */
const idleRetryMs = 100

type State =
  | { readonly is: 'seeking' | 'beginning' | 'closed' }
  | { readonly is: 'connecting'; readonly link: Link<Up, Down> }
  | { readonly is: 'following'; readonly link: Link<Up, Down>; readonly pid: number }
  | { readonly is: 'leading'; readonly term: Term }

export interface CandidateOptions {
  readonly settings: WorkerSettings
  readonly session: Session
  readonly clock: Clock
  readonly random: Random
  readonly crash: CrashHook
  readonly toMain: (message: ToMain) => void
}

/** One process's part in the election: it leads when it gets the lock, follows whoever has it, and tries again. */
export class Candidate {
  readonly #options: CandidateOptions
  readonly #jumps = new JumpDetector()
  /** Undefined for a process that never leads. */
  readonly #lock: Lock | undefined
  #state: State = { is: 'seeking' }
  #beat: Timer | undefined
  #retry: Timer | undefined
  #lastBeat: number
  /** When the writer last said something, and whether its silence was reported. */
  #heard: number
  #stuck = false
  #silenceTold = false
  #limit = Number.POSITIVE_INFINITY
  #mainHeard: number
  /** Which file we serve, once we do. */
  #identity: string | undefined

  constructor(options: CandidateOptions) {
    this.#options = options
    this.#lock = options.settings.lead ? new Lock(options.settings.lock) : undefined
    const now = options.clock.monotonic()
    this.#lastBeat = now
    this.#heard = now
    this.#mainHeard = now
  }

  start(): void {
    this.#scheduleBeat()
    this.#seek()
  }

  hearMain(): void {
    this.#mainHeard = this.#options.clock.monotonic()
    this.#options.session.silence(false)
  }

  /** In order: what has arrived is committed, and the other processes hear at once. */
  close(inOrder = true): void {
    const state = this.#state
    if (state.is === 'closed') return
    this.#state = { is: 'closed' }
    this.#beat?.cancel()
    this.#retry?.cancel()
    if (state.is === 'leading') state.term.stop(inOrder, () => this.#lock?.release())
    if (state.is === 'connecting' || state.is === 'following') state.link.end()
    // While a term begins, whoever began it releases the lock.
    if (state.is !== 'beginning') this.#lock?.close()
  }

  #seek(): void {
    if (this.#state.is === 'closed') return
    this.#state = { is: 'seeking' }
    try {
      if (this.#lock?.tryTake()) void this.#lead(this.#lock)
      else this.#connect()
    } catch (error) {
      this.#break(error)
    }
  }

  #seekAgain(ms = (this.#lock ? retryMs : idleRetryMs) * (1 + this.#options.random())): void {
    if (this.#state.is === 'closed') return
    this.#state = { is: 'seeking' }
    this.#retry = this.#options.clock.after(ms, () => this.#seek())
  }

  async #lead(lock: Lock): Promise<void> {
    const { settings, session, clock, crash } = this.#options
    this.#state = { is: 'beginning' }
    try {
      const term = await beginTerm({ settings, session, clock, crash, onFenced: () => this.#stepDown() })
      if (this.#isClosed()) return term.stop(true, () => lock.close())
      this.#state = { is: 'leading', term }
      this.#limit = settings.maxBytes
      this.#settled(process.pid, 'leading')
    } catch (error) {
      if (this.#isClosed()) return lock.close()
      lock.release()
      // A disk that fails may work again: whoever was served before waits for it.
      this.#state = { is: 'seeking' }
      if (this.#identity && isEnvironmental(error)) this.#seekAgain(beatMs)
      else this.#break(error)
    }
  }

  #stepDown(): void {
    if (this.#state.is !== 'leading') return
    const { term } = this.#state
    this.#state = { is: 'seeking' }
    term.stop(false, () => this.#lock?.release())
    this.#seekAgain()
  }

  #connect(): void {
    const { settings, session } = this.#options
    const link = connectTo(settings.socket, {
      onMessage: (message) => {
        this.#hear()
        if (message.kind === 'welcome') this.#follow(link, message.pid, message.limit)
        else if (message.kind === 'refused') this.#breakWith(message.failure)
        else session.receive(message)
      },
      onEnd: () => this.#disconnected(),
    })
    this.#state = { is: 'connecting', link }
    link.send({ kind: 'hello', version: protocolVersion, pid: process.pid, durability: settings.durability })
  }

  #follow(link: Link<Up, Down>, pid: number, limit: number | null): void {
    if (this.#state.is === 'closed') return
    this.#state = { is: 'following', link, pid }
    this.#limit = limit ?? Number.POSITIVE_INFINITY
    this.#options.session.attach(link)
    this.#settled(pid, 'following')
  }

  #disconnected(): void {
    const before = this.#state.is
    if (before === 'closed') return
    this.#options.session.detach()
    // Who never leads says at once that nobody writes: reading needs no writer.
    if (!this.#lock && !this.#silenceTold) this.#report(recordedWriter(this.#options.settings.file), false)
    // A writer that died left the lock: try at once. One that is about to listen needs a moment.
    if (before === 'following') this.#seek()
    else this.#seekAgain()
  }

  #settled(pid: number, role: 'leading' | 'following'): void {
    const { settings, toMain } = this.#options
    this.#identity ??= fileIdentity(settings.file)
    this.#heard = this.#options.clock.monotonic()
    this.#stuck = false
    toMain({ kind: 'fact', fact: { kind: 'writer', role, pid } })
    this.#report(pid, true)
  }

  #hear(): void {
    this.#heard = this.#options.clock.monotonic()
    if (!this.#stuck) return
    this.#stuck = false
    if (this.#state.is === 'following') this.#settled(this.#state.pid, 'following')
  }

  #report(pid: number, answering: boolean): void {
    this.#silenceTold = !answering
    const writer = { pid, answering, limit: this.#limit, clockJumps: this.#jumps.jumps }
    this.#options.toMain({ kind: 'writer', writer })
  }

  #scheduleBeat(): void {
    this.#beat = this.#options.clock.after(beatMs, () => {
      this.#doBeat()
      if (!this.#isClosed()) this.#scheduleBeat()
    })
  }

  #doBeat(): void {
    const { clock } = this.#options
    const now = clock.monotonic()
    // We were stopped ourselves, or the machine was: what others said is still unread, so nobody is judged now.
    const paused = now - this.#lastBeat > 2 * beatMs
    this.#lastBeat = now
    if (paused) {
      this.#heard = now
      this.#mainHeard = now
    }
    this.#lookAtClock(now)
    this.#lookAtMain(now)
    if (this.#filesChanged()) return
    if (this.#state.is === 'leading') this.#state.term.beat(paused, this.#jumps.suspended(now))
    else this.#lookAtWriter(now)
  }

  #lookAtClock(now: number): void {
    const byMs = this.#jumps.look(this.#options.clock.wall(), now)
    if (byMs === 0) return
    this.#options.toMain({ kind: 'fact', fact: { kind: 'clock_jump', byMs } })
    if (this.#state.is === 'leading') this.#report(process.pid, true)
    if (this.#state.is === 'following') this.#report(this.#state.pid, !this.#stuck)
  }

  #lookAtMain(now: number): void {
    const { session, toMain } = this.#options
    if (!session.seated) {
      this.#mainHeard = now
      return
    }
    toMain({ kind: 'alive?' })
    if (now - this.#mainHeard > mainSilenceMs) session.silence(true)
  }

  /** A stopped process keeps the lock, and no other can take it: it can only be named. */
  #lookAtWriter(now: number): void {
    const sinceMs = Math.round(now - this.#heard)
    if (this.#stuck || sinceMs <= silenceMs) return
    // Without a connection there may be nobody at all, which is no fault of a process that never leads.
    if (!this.#lock && this.#state.is === 'seeking') return
    const { settings, toMain } = this.#options
    const pid =
      this.#state.is === 'following' ? this.#state.pid : (lockHolder(settings.lock) ?? recordedWriter(settings.file))
    this.#stuck = true
    toMain({ kind: 'fact', fact: { kind: 'stuck', where: settings.file, pid, sinceMs } })
    this.#report(pid, false)
  }

  /** Somebody deleted or replaced what we have open: going on would write where nobody will ever read. */
  #filesChanged(): boolean {
    const { settings } = this.#options
    if (!this.#identity) return false
    if (fileIdentity(settings.file) !== this.#identity) {
      const message = `${settings.file}: was deleted or replaced while it was open; start again to use what is there now`
      this.#break(new SkerryError('log_changed', message))
      return true
    }
    if (this.#state.is !== 'leading') return false
    if (this.#lock?.intact && fileIdentity(settings.socket)) return false
    // Without its lock file or its socket a writer cannot be found: begin again with new ones.
    this.#stepDown()
    return true
  }

  #break(error: unknown): void {
    this.#breakWith(
      error instanceof SkerryError
        ? toFailure(error)
        : { code: 'io_error', message: `${this.#options.settings.file}: ${error}` },
    )
  }

  #breakWith(failure: Failure): void {
    this.#options.toMain({ kind: 'broken', failure })
    this.close(false)
  }

  #isClosed(): boolean {
    return this.#state.is === 'closed'
  }
}

function recordedWriter(file: string): number {
  try {
    const db = new DatabaseSync(file, { readOnly: true, timeout: 0 })
    try {
      return Number((db.prepare('select pid from bus').get() as { pid: number } | undefined)?.pid ?? 0)
    } finally {
      db.close()
    }
  } catch {
    return 0
  }
}
