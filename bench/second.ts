/**
 * A second process of a contender: the same program, started in another part. The two talk in messages, and the second
 * never outlives the first.
 *
 *     if (partOf() === 'handler') await play(handle)
 *     else await contend(async (run) => { const handler = startPart(import.meta.filename, 'handler', run) … })
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

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

/** Waits until the first process wants something. */
export async function heard(): Promise<void> {
  await once(process, 'message')
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

  ask(): void {
    this.#child.send('please')
  }

  async ended(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit')
  }
}

/** Its profile is written beside ours: `fork` hands on the flags of this process. */
export function startPart(program: string, name: string, told: unknown): Part {
  const child = fork(program, [`${MARK}${name}`, JSON.stringify(told)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  })
  return new Part(child, name)
}
