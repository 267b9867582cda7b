import { hash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  realpathSync,
  statfsSync,
  statSync,
  unlinkSync,
} from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { SkerryError } from '../../errors.ts'
import { randomIdentity } from '../../ids.ts'

/** The files of one bus. */
export interface Places {
  readonly file: string
  readonly lock: string
  readonly socket: string
}

/** A socket's path has room for 104 bytes on some systems, and gets a suffix while it is being made. */
const longestSocketPath = 84

/** Resolves links, so that every process that means the same file also means the same lock and socket. */
export function placesOf(given: string): Places {
  const file = realPath(resolve(given))
  const beside = `${file}.sock`
  const socket = Buffer.byteLength(beside) <= longestSocketPath ? beside : join(privateFolder(file), 'bus.sock')
  return { file, lock: `${file}.lock`, socket }
}

function realPath(file: string): string {
  if (existsSync(file)) return realpathSync(file)
  const folder = dirname(file)
  if (!existsSync(folder)) throw new SkerryError('not_found', `${file}: its folder does not exist; make it first`)
  return join(realpathSync(folder), basename(file))
}

function privateFolder(file: string): string {
  const owner = userInfo().uid
  const folder = join(tmpdir(), `skerry-${owner}-${hash('sha256', file, 'hex').slice(0, 16)}`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const found = lstatSync(folder)
  // Anybody may make folders in the temporary one: only our own, closed to others, will do.
  if (!found.isDirectory() || found.uid !== owner || (found.mode & 0o077) !== 0)
    throw new SkerryError('unauthorized', `${folder}: belongs to somebody else or is open to others; remove it`)
  return folder
}

/**
 * Makes an empty file that only its owner can read, unless it exists. The descriptor is closed before the file gets
 * its name, because closing any descriptor of a file ends all locks which this process holds on it (POSIX): for the same
 * reason nothing but SQLite may ever open a bus file or its lock file in a process that has the bus open.
 */
export function createPrivate(file: string): void {
  if (existsSync(file)) return
  const draft = `${file}.${randomIdentity().slice(0, 8)}.new`
  closeSync(openSync(draft, 'wx', 0o600))
  try {
    linkSync(draft, file)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    unlinkSync(draft)
  }
}

const networkFileSystems: Readonly<Record<number, string>> = {
  26985: 'NFS',
  20859: 'SMB',
  4283649346: 'CIFS',
  4266872130: 'SMB2',
}

/** The name of the network file system of type `type` (statfs), if it is a known one. */
export function networkFileSystem(type: number): string | undefined {
  return networkFileSystems[type >>> 0]
}

/** Locks and shared memory do not work over a network: two machines would both write. Linux tells; others may not. */
export function refuseNetwork(file: string): void {
  if (process.platform !== 'linux') return
  const name = networkFileSystem(statfsSync(dirname(file)).type)
  if (name)
    throw new SkerryError(
      'invalid_config',
      `${file}: is on a network file system (${name}); put the bus on a local disk`,
    )
}

/** What tells one file from another under the same name; undefined when there is none. */
export function fileIdentity(file: string): string | undefined {
  const found = statSync(file, { throwIfNoEntry: false, bigint: true })
  return found && `${found.dev}:${found.ino}`
}
