import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Clock, systemClock, type Timer } from '../time.ts'
import { exits } from './failure.ts'
import type { Output } from './output.ts'
import { healthyMs, isSilent, restartPause } from './restarting.ts'
import { type StopSignals, stopSignals } from './signals.ts'

export type FromChild =
  | { readonly kind: 'alive'; readonly debugged: boolean }
  /** Its services run. */
  | { readonly kind: 'ready' }
  /** A start that failed; `mayPass` when trying again can help, since only something beside us is away. */
  | { readonly kind: 'refused'; readonly line: string; readonly mayPass: boolean }

export interface ToChild {
  readonly kind: 'stop'
}

export interface Supervision {
  readonly processes: number
  /** What each child is started with. */
  readonly args: readonly string[]
  readonly out: Output
  /** The program that children run. @default this one */
  readonly program?: string
  /** A child that is silent for longer is ended, in milliseconds. @default 10 000 */
  readonly silenceMs?: number
  /** How long children may take to stop, in milliseconds. @default 20 000 */
  readonly graceMs?: number
  readonly clock?: Clock
  readonly signals?: StopSignals
  /** Children that are at work hear of SIGHUP, too; without it that signal ends this process, as usual. */
  readonly hangups?: boolean
}

interface Child {
  readonly slot: number
  readonly process: ChildProcess
  readonly since: number
  heard: number
  debugged: boolean
  ready: boolean
}

/** Children by their slots: a slot's child is replaced when it ends. */
class Supervisor {
  readonly #options: Supervision
  readonly #clock: Clock
  readonly #signals: StopSignals
  readonly #children = new Map<number, Child>()
  readonly #failures = new Map<number, number>()
  readonly #restarts = new Set<Timer>()
  #watch: Timer | undefined
  #stopping = false
  /** Some child was at work: what it could open is there, or will be again. */
  #served = false
  #refusal: string | undefined
  #ended: () => void = () => {}

  constructor(options: Supervision) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#signals = options.signals ?? stopSignals(['SIGTERM', 'SIGINT'], () => this.#killAll())
  }

  async run(): Promise<number> {
    const allEnded = new Promise<void>((resolve) => (this.#ended = resolve))
    for (let slot = 0; slot < this.#options.processes; slot++) this.#launch(slot)
    this.#look()
    if (this.#options.hangups) process.on('SIGHUP', this.#hangUp)
    await this.#signals.stopped
    this.#stopAll()
    const late = this.#clock.after(this.#options.graceMs ?? 20_000, () => this.#killAll())
    await allEnded
    late.cancel()
    process.off('SIGHUP', this.#hangUp)
    this.#signals.end()
    if (this.#refusal === undefined) return exits.fine
    this.#options.out.note(this.#refusal)
    return exits.failed
  }

  #launch(slot: number): void {
    const program =
      this.#options.program ?? fileURLToPath(new URL(`./main${import.meta.url.slice(-3)}`, import.meta.url))
    const process = fork(program, this.#options.args)
    const now = this.#clock.monotonic()
    const child: Child = { slot, process, since: now, heard: now, debugged: false, ready: false }
    this.#children.set(slot, child)
    process.on('message', (message: FromChild) => this.#heard(child, message))
    process.once('exit', (code, signal) => this.#exited(child, signal ?? `code ${code}`))
    // It could not be started, or told something: its end says the rest.
    process.on('error', (error) => {
      if (process.pid === undefined) this.#exited(child, error.message)
    })
  }

  #heard(child: Child, message: FromChild): void {
    child.heard = this.#clock.monotonic()
    if (message.kind === 'alive') child.debugged = message.debugged
    if (message.kind === 'ready') this.#served = child.ready = true
    if (message.kind !== 'refused') return
    const { line, mayPass } = message
    if (mayPass && this.#served) this.#say({ kind: 'refused', pid: child.process.pid, line }, line)
    else {
      this.#refusal ??= line
      this.#signals.stop()
    }
  }

  #exited(child: Child, how: string): void {
    if (this.#children.get(child.slot) !== child) return
    this.#children.delete(child.slot)
    if (this.#stopping) {
      if (this.#children.size === 0) this.#ended()
      return
    }
    const lasted = this.#clock.monotonic() - child.since
    const failures = lasted >= healthyMs ? 0 : (this.#failures.get(child.slot) ?? 0) + 1
    this.#failures.set(child.slot, failures)
    const inMs = restartPause(failures)
    this.#say(
      { kind: 'restart', pid: child.process.pid, how, inMs },
      `process ${child.process.pid} ended (${how}); starting another`,
    )
    const timer = this.#clock.after(inMs, () => {
      this.#restarts.delete(timer)
      this.#launch(child.slot)
    })
    this.#restarts.add(timer)
  }

  /** Ends children that do not answer: one that is stopped may hold a lock that nobody can take from it. */
  #look(): void {
    const silenceMs = this.#options.silenceMs ?? 10_000
    const now = this.#clock.monotonic()
    for (const child of this.#children.values()) {
      // Once is enough, though it may be a while until a killed process has ended.
      if (child.process.killed || !isSilent(child, now, silenceMs)) continue
      const { pid } = child.process
      this.#say(
        { kind: 'silent', pid, silentMs: Math.round(now - child.heard) },
        `process ${pid} does not answer; ending it`,
      )
      child.process.kill('SIGKILL')
    }
    this.#watch = this.#clock.after(silenceMs / 10, () => this.#look())
  }

  /** One that is starting reads what is there now in any case, and would be ended by it. */
  readonly #hangUp = (): void => {
    for (const { process, ready } of this.#children.values()) if (ready) process.kill('SIGHUP')
  }

  #stopAll(): void {
    this.#stopping = true
    this.#watch?.cancel()
    for (const timer of this.#restarts) timer.cancel()
    if (this.#children.size === 0) this.#ended()
    for (const { process } of this.#children.values())
      if (process.connected) process.send({ kind: 'stop' } satisfies ToChild)
  }

  #killAll(): void {
    for (const { process } of this.#children.values()) process.kill('SIGKILL')
  }

  #say(data: object, line: string): void {
    const { out } = this.#options
    void (out.json ? out.data(data) : out.line(line))
  }
}

/** Keeps processes running until a signal; resolves with the exit code. */
export async function supervise(options: Supervision): Promise<number> {
  return new Supervisor(options).run()
}
