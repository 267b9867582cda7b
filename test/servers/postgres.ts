import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerKind } from './kinds.ts'
import { findProgram, freePort, LOOPBACK, launch, versionOf } from './process.ts'

/** Debian keeps every version in a folder of its own and off the path. */
const DEBIAN = '/usr/lib/postgresql'

interface Owner {
  readonly uid: number
  readonly gid: number
}

const folders = versionFolders()
const program = findProgram('postgres', folders)
const initdb = findProgram('initdb', folders)

let template: string | undefined

export const postgres: ServerKind = {
  remedy: 'apt-get install postgresql',
  version: () => versionOf(program),
  async start(folder, { durability, port: wanted, settings: more }) {
    if (program === undefined || initdb === undefined) {
      throw new Error('postgres is missing: apt-get install postgresql')
    }
    const owner = unprivilegedOwner()
    const data = join(folder, 'postgres')
    if (!existsSync(data)) {
      template ??= createTemplate(initdb, owner)
      giveTo(folder, owner)
      runAs(owner, 'cp', ['-R', template, data])
    }
    const port = wanted ?? (await freePort())
    // The defaults are the FULL class; asynchronous commit is the NORMAL one.
    const settings = {
      listen_addresses: LOOPBACK,
      port,
      unix_socket_directories: '',
      synchronous_commit: durability === 'FULL' ? 'on' : 'off',
      ...more,
    }
    const args = ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
    const readyText = 'database system is ready to accept connections'
    // SIGQUIT ends it without a last checkpoint, which would only slow the next contender: the data is thrown away.
    return launch({ file: program, args, port, readyText, stopSignal: 'SIGQUIT', ...owner })
  },
}

/** A program that comes with the server, such as `pg_dump`. */
export function postgresProgram(name: string): string {
  return findProgram(name, folders) ?? name
}

/** `initdb` takes seconds: once per process, then copied for each run. */
function createTemplate(initdb: string, owner: Owner | undefined): string {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-postgres-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  giveTo(folder, owner)
  const data = join(folder, 'template')
  runAs(owner, initdb, ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'])
  return data
}

/** PostgreSQL refuses to run as root: drop to its own user, or to nobody. */
export function unprivilegedOwner(): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  const user = ['postgres', 'nobody'].flatMap((name) => users.filter((fields) => fields[0] === name))[0]
  if (user === undefined) throw new Error('PostgreSQL does not run as root and there is no user "postgres": run as one')
  return { uid: Number(user[2]), gid: Number(user[3]) }
}

function giveTo(folder: string, owner: Owner | undefined): void {
  mkdirSync(folder, { recursive: true })
  if (owner === undefined) return
  chownSync(folder, owner.uid, owner.gid)
  chmodSync(folder, 0o711)
}

function runAs(owner: Owner | undefined, file: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(file, args, { cwd: '/', encoding: 'utf8', ...owner })
  if (status === 0) return
  throw new Error(`${file} failed: ${(stderr ?? '').trim().split('\n').slice(-2).join(' | ')}`, { cause: error })
}

function versionFolders(): string[] {
  try {
    return readdirSync(DEBIAN)
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(DEBIAN, version, 'bin'))
  } catch {
    return []
  }
}

/** Makes answers of a server those of its version 12, which say so in fields of the same lengths. */
export const asVersion12 = (answer: string): string =>
  answer.replace(/\b1[3-9]0(\d{3})(?!\d)/g, '120$1').replace(/\b1[3-9]\.(\d+)/g, '12.$1')
