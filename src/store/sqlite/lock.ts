import { readFileSync, statSync } from 'node:fs'
import { SkerryError } from '../../errors.ts'
import type { Random } from '../../ids.ts'
import { type Clock, pause } from '../../time.ts'
import type { Connection } from './connection.ts'
import { isBusy } from './errors.ts'

export interface Patience {
  readonly clock: Clock
  readonly random: Random
  /** How long to wait for another process's lock, in milliseconds. */
  readonly busyMs: number
}

/**
 * Runs `attempt` until the file is not busy. SQLite's own waiting would block the event loop, so each try fails at once
 * and the next comes 1–10 ms later, drawn at random so that waiting processes do not march in step.
 */
export async function untilFree<T>(connection: Connection, patience: Patience, attempt: () => T): Promise<T> {
  const started = patience.clock.monotonic()
  for (;;) {
    try {
      return attempt()
    } catch (error) {
      if (!isBusy(error)) throw error
      const waited = patience.clock.monotonic() - started
      if (waited >= patience.busyMs) throw busyError(connection.file, patience.busyMs, error)
    }
    await pause(patience.clock, 1 + 9 * patience.random())
  }
}

function busyError(file: string, busyMs: number, cause: unknown): SkerryError {
  const holder = lockHolder(file)
  const who = holder ? `process ${holder.pid}${holder.stopped ? ', which is stopped,' : ''}` : 'another process'
  const remedy = holder?.stopped ? 'continue or end that process' : 'wait for it, or end it if it hangs'
  return new SkerryError(
    'store_busy',
    `${file}: ${who} has held the write lock for more than ${busyMs} ms; ${remedy}`,
    { cause },
  )
}

export interface Holder {
  readonly pid: number
  readonly stopped: boolean
}

// SQLite's write lock in WAL mode is a POSIX lock on this byte of the shared-memory file (WAL_WRITE_LOCK in wal.c).
const WRITE_LOCK_BYTE = 120

/** The process that holds the write lock, where the system tells (Linux). */
export function lockHolder(file: string): Holder | undefined {
  try {
    const inode = statSync(`${file}-shm`).ino
    for (const line of readFileSync('/proc/locks', 'utf8').split('\n')) {
      const [, pid, where, from, to] = /POSIX +\w+ +WRITE +(\d+) +(\S+) +(\d+) +(\d+|EOF)/.exec(line) ?? []
      if (!pid || !where?.endsWith(`:${inode}`)) continue
      if (Number(from) <= WRITE_LOCK_BYTE && (to === 'EOF' || Number(to) >= WRITE_LOCK_BYTE))
        return { pid: Number(pid), stopped: isStopped(pid) }
    }
  } catch {
    // No /proc, or the file has gone: then nobody can tell.
  }
  return undefined
}

function isStopped(pid: string): boolean {
  // The state follows the command name, which is in parentheses and may hold anything.
  const status = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return /^[Tt]/.test(status.slice(status.lastIndexOf(')') + 2))
}
