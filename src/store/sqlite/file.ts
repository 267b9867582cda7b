import { chmodSync, closeSync, openSync, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { messageOf, SkerryError } from '../../errors.ts'

/** Makes the file if need be, readable by its owner only; SQLite gives its side files the same permissions. */
export function prepareFile(file: string): void {
  const folder = dirname(file)
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new SkerryError(
      'invalid_config',
      `the folder ${folder} does not exist; create it, or put the store ${file} elsewhere`,
    )
  refuseNetwork(folder)
  try {
    closeSync(openSync(file, 'a', 0o600))
    for (const path of [file, `${file}-wal`, `${file}-shm`]) tighten(path)
  } catch (error) {
    throw new SkerryError('invalid_config', `the store ${file} cannot be opened: ${messageOf(error)}`, { cause: error })
  }
}

function tighten(path: string): void {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode
  if (mode !== undefined && (mode & 0o077) !== 0) chmodSync(path, 0o600)
}

// Magic numbers from linux/magic.h and statfs(2). Shared memory and locks do not work between machines.
const networkTypes: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x5346414f, 'AFS'],
  [0x00c36400, 'Ceph'],
])

function refuseNetwork(folder: string): void {
  if (process.platform !== 'linux') return
  const type = networkTypes.get(statfsSync(folder).type)
  if (type)
    throw new SkerryError(
      'invalid_config',
      `${folder} is on a network file system (${type}), where locks cannot be trusted; use a local disk`,
    )
}

/**
 * SQLite itself takes what is missing from the last page for zeros. While there is a log, the file may be anything: what
 * it lacks will come from there.
 */
export function refuseCutFile(file: string, pageSize: number): void {
  const logged = statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0
  if (logged > 0 || statSync(file).size % pageSize === 0) return
  throw new SkerryError(
    'not_a_database',
    `${file} is damaged or cut short (its last page is not whole); restore it from a copy`,
  )
}

/**
 * Notices when the file has been deleted, moved or replaced beneath its connections: SQLite would go on writing to what
 * nobody can open any more. Costs less than a microsecond.
 */
export class Place {
  readonly file: string
  readonly #inode: number | undefined

  constructor(file: string) {
    this.file = file
    this.#inode = inodeOf(file)
  }

  check(): void {
    if (inodeOf(this.file) === this.#inode) return
    throw new SkerryError(
      'io_error',
      `${this.file} was deleted, moved or replaced while in use; put it back, or restart`,
    )
  }
}

function inodeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.ino
}

/** Bytes that the file and its side files take. */
export function bytesOnDisk(file: string): number {
  let bytes = 0
  for (const path of [file, `${file}-wal`, `${file}-shm`]) bytes += statSync(path, { throwIfNoEntry: false })?.size ?? 0
  return bytes
}
