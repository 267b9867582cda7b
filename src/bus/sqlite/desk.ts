// For tests: a writer on a file of its own, with a clock that is moved by hand.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { noCrash } from '../../telemetry.ts'
import { VirtualClock } from '../../time.ts'
import { openForWriting } from './schema.ts'
import { Writer, type WriterOptions } from './writer.ts'

export interface Desk {
  readonly db: DatabaseSync
  readonly file: string
  readonly clock: VirtualClock
  readonly writer: Writer
  /** Another writer takes over; `clean`: the one before left in good order, with nobody connected. */
  another(): { db: DatabaseSync; writer: Writer; clean: boolean }
}

export function onWriter(options: Partial<WriterOptions>, run: (desk: Desk) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-writer-'))
  const file = join(folder, 'bus.db')
  const clock = new VirtualClock()
  const none = Number.POSITIVE_INFINITY
  const opened: DatabaseSync[] = []
  const another = () => {
    const db = openForWriting(file)
    opened.push(db)
    const retention = { ageMs: none, bytes: none }
    const all = { file, pid: 1, clock, crash: noCrash, maxBytes: none, segmentBytes: 100_000, retention, ...options }
    const writer = new Writer(db, all)
    return { db, writer, clean: writer.beginTerm().clean }
  }
  try {
    run({ file, clock, another, ...another() })
  } finally {
    for (const db of opened) db.close()
    rmSync(folder, { recursive: true })
  }
}
