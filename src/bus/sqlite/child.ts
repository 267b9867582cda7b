import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { pause, systemClock } from '../../time.ts'
import type { Bus } from '../bus.ts'

const program = fileURLToPath(import.meta.resolve(`./host${import.meta.url.slice(-3)}`))

/** Ends a wait that would never end; a busy machine may take many times as long as usual. */
const patienceMs = 60_000

/** The one of these processes that writes, as soon as one does. */
export async function writerAmong<C extends { readonly pid: number }>(bus: Bus, children: readonly C[]): Promise<C> {
  const end = systemClock.monotonic() + patienceMs
  for (;;) {
    const { writer } = await bus.status()
    const found = writer?.answering ? children.find((child) => child.pid === writer.pid) : undefined
    if (found) return found
    if (systemClock.monotonic() > end)
      throw new Error(`process ${writer?.pid} writes, and is none of the expected ones`)
    await pause(systemClock, 10)
  }
}

/** Waits for a promise, but not for ever. */
async function within<T>(promise: Promise<T>, otherwise: string): Promise<T> {
  const giveUp = new AbortController()
  const late = pause(systemClock, patienceMs, giveUp.signal).then(() => {
    if (giveUp.signal.aborted) return promise
    throw new Error(otherwise)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    giveUp.abort()
  }
}

function isStopped(pid: number): boolean {
  if (process.platform === 'linux') return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') T ')
  return spawnSync('ps', ['-o', 'state=', '-p', `${pid}`], { encoding: 'utf8' }).stdout.startsWith('T')
}

const alive = new Set<Child>()

/** For after each test: whatever happened in it, its processes end. */
export async function killChildren(): Promise<void> {
  await Promise.all([...alive].map((child) => child.kill()))
}

/** A process that runs `host.ts` on a bus file, for tests. */
export class Child {
  readonly name: string
  readonly pid: number
  readonly #process: ChildProcess
  readonly #exit: Promise<unknown>
  #last = ''
  #waiting: { holds: (line: string) => boolean; resolve: () => void }[] = []

  constructor(file: string, action = 'open', name = '') {
    this.name = name
    this.#process = spawn(process.execPath, [program, file, action, name], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.pid = this.#process.pid ?? 0
    alive.add(this)
    this.#exit = once(this.#process, 'close').then(() => alive.delete(this))
    createInterface({ input: this.#process.stdout as NodeJS.ReadableStream }).on('line', (line) => this.#hear(line))
  }

  /** The last line that it said. */
  get last(): string {
    return this.#last
  }

  /** Waits until it says something for which `holds` is true, from now on. */
  says(holds: string | ((line: string) => boolean)): Promise<void> {
    const test = typeof holds === 'string' ? (line: string) => line === holds : holds
    const said = new Promise<void>((resolve) => this.#waiting.push({ holds: test, resolve }))
    return within(said, `process ${this.pid} does not say what is expected, but ${this.#last}`)
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  /** Resolves when it does not run any more: the signal alone is only a wish. */
  async stop(): Promise<void> {
    this.signal('SIGSTOP')
    while (!isStopped(this.pid)) await pause(systemClock, 5)
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL')
    await this.#exit
  }

  /** Waits for its end, which it comes to by itself once its input ends. */
  async ended(): Promise<void> {
    this.#process.stdin?.end()
    await within(this.#exit, `process ${this.pid} does not end`)
  }

  /** Waits for an end that somebody else brings about. */
  async died(): Promise<void> {
    await within(this.#exit, `process ${this.pid} does not die`)
  }

  #hear(line: string): void {
    this.#last = line
    const met = this.#waiting.filter((w) => w.holds(line))
    this.#waiting = this.#waiting.filter((w) => !met.includes(w))
    for (const { resolve } of met) resolve()
  }
}
