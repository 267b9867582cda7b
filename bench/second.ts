/**
 * A second process of a contender: the same program, started in another part. The two talk in messages, and the second
 * never outlives the first.
 *
 *     if (partOf() === 'handler') await play(handle)
 *     else await contend(async (run) => { const handler = startPart(import.meta.filename, 'handler', run) … })
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { pinned } from './mesh/cores.ts'

const MARK = '--part='

/** Which part this process has; undefined for the contender itself. */
export function partOf(): string | undefined {
  const told = process.argv[2] ?? ''
  return told.startsWith(MARK) ? told.slice(MARK.length) : undefined
}

/** Runs a part with what the first process told it, and ends when it is done. */
export async function play<Told>(work: (told: Told) => Promise<void>): Promise<void> {
  const orphaned = (): void => process.exit(1)
  process.once('disconnect', orphaned)
  await work(JSON.parse(process.argv[3] ?? 'null'))
  process.off('disconnect', orphaned)
  process.disconnect?.()
}

/** Says something to the first process. */
export function say(message: unknown): void {
  process.send?.(message)
}

/** Waits until the first process wants something, and gives what it said. */
export async function heard<T = unknown>(): Promise<T> {
  const [message] = (await once(process, 'message')) as [T]
  return message
}

export class Part {
  readonly #child: ChildProcess
  readonly #name: string

  constructor(child: ChildProcess, name: string) {
    this.#child = child
    this.#name = name
  }

  /** What the second process says next. Rejects when it ends instead. */
  async next<T = unknown>(): Promise<T> {
    const abort = new AbortController()
    const ended = once(this.#child, 'exit', { signal: abort.signal }).then(([code]) => {
      throw new Error(`the process "${this.#name}" ended with ${code}`)
    })
    try {
      const [message] = (await Promise.race([once(this.#child, 'message', { signal: abort.signal }), ended])) as [T]
      return message
    } finally {
      abort.abort()
      ended.catch(() => {})
    }
  }

  get pid(): number {
    return this.#child.pid as number
  }

  ask(message: string | number = 'please'): void {
    this.#child.send(message)
  }

  /** Ends it at once. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }

  async ended(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit')
  }
}

export interface PartOptions {
  /** The only core that it runs on. @default any */
  readonly core?: number | undefined
  /** For Node. @default those of this process, so that its profile is written beside ours */
  readonly flags?: readonly string[] | undefined
}

export function startPart(program: string, name: string, told: unknown, options: PartOptions = {}): Part {
  const { core, flags = process.execArgv } = options
  const [execPath = process.execPath, ...execArgv] = pinned(core, [process.execPath, ...flags])
  const child = fork(program, [`${MARK}${name}`, JSON.stringify(told)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
    execPath,
    execArgv,
  })
  return new Part(child, name)
}
