import { once } from 'node:events'
import { chmodSync, renameSync, rmSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import { dirname, join } from 'node:path'

let drafts = 0

/**
 * Listens on a socket's file that nobody but its owner can open: under a private name until that is so, then under its own, in one
 * step. Whatever had the name before loses it: ask `isAnswered` first, or hold a lock. Rejects with the system's error, and leaves
 * nothing behind then; the server is not closed.
 */
export async function listenPrivately(server: Server, path: string): Promise<void> {
  // Short: the system has room for about a hundred bytes, and the name itself may need them.
  const draft = join(dirname(path), `.${process.pid}.${drafts++}`)
  server.listen(draft)
  await once(server, 'listening')
  try {
    chmodSync(draft, 0o600)
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
}

/** Whether somebody is behind a socket's file: one that a dead process left behind may be replaced. */
export function isAnswered(path: string): Promise<boolean> {
  const socket = connect(path)
  return once(socket, 'connect')
    .then(
      () => true,
      () => false,
    )
    .finally(() => socket.destroy())
}
