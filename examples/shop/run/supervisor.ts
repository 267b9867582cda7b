import { type ChildProcess, fork } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { ServiceName } from '../services.ts'
import type { Question } from './answer.ts'
import type { Reply, Request } from './messages.ts'
import { isStuck } from './patience.ts'
import type { Ground } from './shop.ts'
import type { Vitals } from './vitals.ts'

const worker = fileURLToPath(new URL('./worker.ts', import.meta.url))
const pingMs = 500
/** So many starts in a row that fail by themselves will not succeed either. */
const mostFailures = 5
const restartMs = 200
/** So often a question is asked again: a store on a server may be away for minutes. */
const mostTries = 600
const stopMs = 15_000

interface Worker {
  readonly child: ChildProcess
  readonly services: readonly ServiceName[]
  readonly questions: Map<number, { resolve(answer: unknown): void; reject(error: Error): void }>
  /** So often in a row it ended by itself before it was ready. */
  readonly failures: number
  ready: boolean
  /** True from its first answer on. */
  heard: boolean
  missed: number
}

/** Keeps service processes running: what dies is started again, what does not answer is killed first. */
export class Supervisor {
  readonly #ground: Ground
  readonly #workers = new Set<Worker>()
  readonly #vitals = new Map<Worker, Vitals>()
  readonly #pinging: NodeJS.Timeout
  readonly broken: Promise<never>
  #break: (error: Error) => void = () => {}
  #asked = 0
  #stopping = false

  constructor(ground: Ground, placement: readonly (readonly ServiceName[])[]) {
    this.#ground = ground
    this.broken = new Promise((_, reject) => (this.#break = reject))
    // Nobody may be looking when it breaks; whoever looks later still hears of it.
    this.broken.catch(() => {})
    for (const services of placement) this.#launch(services, 0)
    this.#pinging = setInterval(() => this.#ping(), pingMs)
  }

  /** Asks any process that runs the service; when it dies before it answers, the next one. */
  async ask(service: ServiceName, question: Question): Promise<unknown> {
    for (let tries = 1; ; tries++) {
      if (this.#stopping) throw new Error('the shop is closing')
      const worker = [...this.#workers].find((one) => one.ready && one.services.includes(service))
      try {
        if (worker) return await this.#askOne(worker, service, question)
      } catch (error) {
        if (tries >= mostTries) throw error
      }
      await Promise.race([pause(restartMs), this.broken])
    }
  }

  /** Resolves once every service has a process that runs it. */
  async ready(): Promise<void> {
    while ([...this.#workers].some(({ ready }) => !ready)) await Promise.race([pause(restartMs), this.broken])
  }

  vitals(): Vitals[] {
    return [...this.#vitals.values()]
  }

  /** Lets every process finish what it holds; those that take too long are killed. */
  async stop(): Promise<void> {
    this.#stopping = true
    clearInterval(this.#pinging)
    const children = [...this.#workers].map(({ child }) => child)
    const ended = children.map((child) => new Promise((resolve) => child.once('exit', resolve)))
    for (const child of children) child.kill('SIGTERM')
    const late = setTimeout(() => {
      for (const child of children) child.kill('SIGKILL')
    }, stopMs)
    await Promise.all(ended)
    clearTimeout(late)
  }

  #launch(services: readonly ServiceName[], failures: number): void {
    const child = fork(worker, [this.#ground.state, this.#ground.app, ...services], {
      serialization: 'advanced',
      // Standard output is the importer's alone: its last line may be JSON.
      stdio: ['ignore', 2, 2, 'ipc'],
    })
    const one: Worker = { child, services, questions: new Map(), failures, ready: false, heard: false, missed: 0 }
    this.#workers.add(one)
    child.on('message', (reply: Reply) => this.#heard(one, reply))
    child.on('error', () => child.kill('SIGKILL'))
    child.on('exit', (code) => this.#ended(one, code))
  }

  #ended(one: Worker, code: number | null): void {
    this.#workers.delete(one)
    for (const { reject } of one.questions.values()) reject(new Error('its process ended'))
    if (this.#stopping) return
    const failures = one.ready || code === null ? 0 : one.failures + 1
    const again = (): void => {
      if (!this.#stopping) this.#launch(one.services, failures)
    }
    if (failures < mostFailures) setTimeout(again, failures * restartMs)
    else this.#break(new Error(`the process of ${one.services.join(', ')} cannot start: see above`))
  }

  #heard(one: Worker, reply: Reply): void {
    one.heard = true
    one.missed = 0
    if (reply.kind === 'ready') one.ready = true
    else if (reply.kind === 'pong') this.#vitals.set(one, reply.vitals)
    else if (reply.kind === 'answer') one.questions.get(reply.id)?.resolve(reply.answer)
    else one.questions.get(reply.id)?.reject(new Error(reply.message))
  }

  /** Counts pings, not seconds: when this process itself was stopped for a while, nobody else is to blame. */
  #ping(): void {
    for (const one of this.#workers) {
      if (isStuck(one.missed++, one.heard)) one.child.kill('SIGKILL')
      else send(one.child, { kind: 'ping' })
    }
  }

  #askOne(one: Worker, service: ServiceName, question: Question): Promise<unknown> {
    const id = this.#asked++
    return new Promise((resolve, reject) => {
      one.questions.set(id, { resolve, reject })
      send(one.child, { kind: 'ask', id, service, question })
    }).finally(() => one.questions.delete(id))
  }
}

/** Whether it arrives shows in the answer, or in the end of the process. */
function send(child: ChildProcess, request: Request): void {
  if (child.connected) child.send(request, () => {})
}
