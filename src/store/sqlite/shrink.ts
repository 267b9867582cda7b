import { type Connection, first } from './connection.ts'

/** How often to look, in commits; how much free space to leave, and how much to give back at once, in pages of 4 KiB. */
const EVERY = 512
const KEEP = 2048
const STEP = 512

/**
 * Gives space back to the file system, a little at a time. SQLite keeps freed pages for its own use, and a file that an
 * outage has swollen would stay so for ever.
 */
export class Shrinker {
  readonly #connection: Connection
  #commits = 0

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Runs where nobody else can write: behind the store's mutex, in the process's turn. */
  afterCommit(): void {
    if (++this.#commits % EVERY !== 0) return
    try {
      const free = this.#pages('freelist_count')
      if (free > KEEP && free > this.#pages('page_count') / 2)
        this.#connection.db.exec(`pragma incremental_vacuum(${STEP})`)
    } catch {
      // Another process was quicker, or the disk is full: space is given back another time.
    }
  }

  #pages(pragma: 'freelist_count' | 'page_count'): number {
    return first(this.#connection.prepare(`pragma ${pragma}`)) as number
  }
}
