import { readFileSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { explain, resultCode, resultCodeOf } from './failures.ts'
import { createPrivate, fileIdentity } from './files.ts'

/** The process that holds a lock on a file, where the system tells (Linux). */
export function lockHolder(file: string): number | undefined {
  const found = statSync(file, { throwIfNoEntry: false })
  if (process.platform !== 'linux' || !found) return undefined
  // Such as `1: POSIX  ADVISORY  WRITE 4711 08:01:1311 1073741825 1073741825`.
  const held = readFileSync('/proc/locks', 'utf8').matchAll(/ WRITE +(\d+) +[0-9a-f]+:[0-9a-f]+:(\d+) /g)
  for (const [, pid, inode] of held) if (Number(inode) === found.ino && Number(pid) > 0) return Number(pid)
  return undefined
}

/**
 * The writer's lock: an exclusive transaction on a small file that holds nothing. The kernel ends it with the
 * process, however that dies; a file or a socket that says "I lead" would stay behind and be believed.
 */
export class Lock {
  readonly #file: string
  #db: DatabaseSync | undefined
  #identity: string | undefined
  #held = false

  constructor(file: string) {
    this.#file = file
  }

  /** False when the file was deleted or replaced: what is held then keeps nobody out. */
  get intact(): boolean {
    return this.#identity !== undefined && fileIdentity(this.#file) === this.#identity
  }

  tryTake(): boolean {
    try {
      if (!this.intact) this.#open()
      this.#db?.exec('begin exclusive')
      this.#held = true
      return true
    } catch (error) {
      const code = resultCodeOf(error)
      if (code === resultCode.busy || code === resultCode.locked) return false
      throw explain(error, this.#file)
    }
  }

  release(): void {
    if (this.#held) this.#db?.exec('rollback')
    this.#held = false
  }

  close(): void {
    this.release()
    this.#db?.close()
    this.#db = undefined
    this.#identity = undefined
  }

  #open(): void {
    this.close()
    createPrivate(this.#file)
    this.#db = new DatabaseSync(this.#file, { timeout: 0 })
    this.#identity = fileIdentity(this.#file)
  }
}
