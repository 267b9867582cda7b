import { type ChildProcess, fork, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ServiceName } from '../../examples/shop/services.ts'
import { appOf, type Books } from './books.ts'
import { until } from './waiting.ts'

const main = fileURLToPath(new URL('../../examples/shop/main.ts', import.meta.url))
const worker = fileURLToPath(new URL('../../examples/shop/run/worker.ts', import.meta.url))
const processes = 4

export interface MonthOptions {
  readonly data: string
  /** How many effects the whole file has. */
  readonly effects: number
  readonly out: string
  readonly books: Books
  readonly env: Readonly<Record<string, string>>
  readonly onProgress: (done: number, all: number) => void
}

/** What the run said of itself in its last line. */
export interface Summary {
  readonly equal: boolean
  readonly lost: number
  readonly duplicateEffects: number
  readonly deadLetters: number
  readonly elapsedMs: number
}

export interface Ended {
  readonly code: number | null
  readonly summary: Summary | undefined
  /** All that it printed. */
  readonly said: string
}

/** The run was over before the fault could strike once more. */
export class TooLate extends Error {}

/** The shop's month as anybody runs it, `npm start -- --processes 4 --json`, watched from outside. */
export class Month {
  readonly state: string
  readonly data: string
  readonly ended: Promise<Ended>
  readonly #options: MonthOptions
  readonly #child: ChildProcess
  readonly #joined = new Set<Joined>()
  readonly #said: string[] = []
  #over = false

  constructor(options: MonthOptions) {
    this.#options = options
    this.state = join(options.out, 'state')
    this.data = options.data
    const args = [main, '--data', options.data, '--out', options.out, '--processes', String(processes), '--json']
    this.#child = spawn(process.execPath, args, { env: this.#env(), stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (text) => this.#said.push(String(text)))
    this.ended = new Promise((resolve) => this.#child.once('close', (code) => resolve(this.#end(code))))
  }

  get over(): boolean {
    return this.#over
  }

  /** Effects so far; all of them once the run has ended. Undefined while nobody can say. */
  async done(): Promise<number | undefined> {
    const { books, effects, onProgress } = this.#options
    const done = this.#over ? effects : await books.effects()
    if (done !== undefined) onProgress(done, effects)
    return done
  }

  /** Resolves when this share of all effects is there. Rejects with `TooLate` when the run ends before. */
  async reaches(share: number): Promise<void> {
    const percent = `${Math.round(share * 100)} %`
    await until(async () => {
      if (this.#over) throw new TooLate(`the run ended before the fault at ${percent}`)
      return ((await this.done()) ?? 0) >= share * this.#options.effects
    }, `the run is at ${percent}`)
  }

  /** Resolves with the milliseconds until there is one more effect. */
  async goesOn(): Promise<number> {
    const since = performance.now()
    let before: number | undefined
    await until(async () => {
      const now = await this.done()
      before ??= now
      return this.#over || (now ?? 0) > (before ?? Number.POSITIVE_INFINITY)
    }, 'the run goes on')
    return performance.now() - since
  }

  /** Resolves when nothing happened for so long, or the time is over. */
  async standsStill(forMs: number, withinMs: number): Promise<void> {
    let [last, since] = [await this.done(), performance.now()]
    const deadline = since + withinMs
    await until(async () => {
      const now = await this.done()
      if (now !== last) [last, since] = [now, performance.now()]
      return performance.now() - since >= forMs || performance.now() > deadline
    }, 'the run stands still')
  }

  /** The service processes of the run itself; its supervisor replaces those that die. */
  workers(): number[] {
    const { pid } = this.#child
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    return children.split(' ').filter(Boolean).map(Number)
  }

  /** One more process that runs these services, of which no supervisor knows. */
  async join(services: readonly ServiceName[]): Promise<Joined> {
    const child = fork(worker, [this.state, appOf(this.state) ?? '', ...services], {
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: this.#env(),
    })
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => this.#said.push(String(text)))
    const joined = new Joined(child, services)
    this.#joined.add(joined)
    await joined.ready
    return joined
  }

  /** Ends whatever still runs. */
  async abandon(): Promise<void> {
    for (const joined of this.#joined) joined.kill()
    if (!this.#over) this.#child.kill('SIGKILL')
    await this.ended
    for (const joined of this.#joined) await joined.ended
  }

  #env(): NodeJS.ProcessEnv {
    const { NODE_TEST_CONTEXT, SKERRY_DIR, SKERRY_APP, ...rest } = process.env
    return { ...rest, ...this.#options.env }
  }

  #end(code: number | null): Ended {
    this.#over = true
    const said = this.#said.join('')
    const last = said.split('\n').findLast((line) => line.startsWith('{')) ?? 'null'
    return { code, said, summary: (JSON.parse(last) as Summary | null) ?? undefined }
  }
}

/** A process that came to a run from outside. */
export class Joined {
  readonly pid: number
  readonly services: readonly ServiceName[]
  /** Resolves when its services run. */
  readonly ready: Promise<void>
  readonly ended: Promise<number | NodeJS.Signals>
  readonly #child: ChildProcess

  constructor(child: ChildProcess, services: readonly ServiceName[]) {
    this.#child = child
    this.services = services
    this.pid = child.pid as number
    this.ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal ?? 0)))
    this.ready = new Promise((resolve, reject) => {
      child.on('message', ({ kind }: { kind: string }) => kind === 'ready' && resolve())
      child.once('exit', (code) => reject(new Error(`a process that joined ended with ${code}`)))
    })
    this.ready.catch(() => {})
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#child.kill(signal)
  }
}
