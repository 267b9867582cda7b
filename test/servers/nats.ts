import { spawnSync } from 'node:child_process'
import { existsSync, renameSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Server, ServerKind, StartServer } from './kinds.ts'
import { findProgram, freePort, LOOPBACK, launch, versionOf } from './process.ts'

/** A folder with a newer nats-server than the system's, instead of the one that is fetched. */
const newerFolder = process.env.SKERRY_NATS_DIR

/** The one that is fetched, where Go is: Debian's is too old to sync before it acknowledges. */
const pinned = '2.14.9'
const goNeeded = [1, 26] as const
const cache = fileURLToPath(new URL('../../node_modules/.cache/skerry/', import.meta.url))
const fetchedFolder = join(cache, `nats-server-${pinned}`)

const programs = [
  ...new Set([
    findProgram('nats-server'),
    newerFolder && findProgram('nats-server', [newerFolder]),
    findProgram('nats-server', [fetchedFolder]),
  ]),
]
  .filter((program) => program !== undefined && program !== '')
  .map((program) => ({ program: program as string, version: versionOf(program as string) ?? '0' }))

/** 2.10 is the oldest that syncs before it acknowledges, when told to. */
const syncsFrom = [2, 10] as const

function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [a = 0, b = 0] = version.split('.').map(Number)
  return a > major || (a === major && b >= minor)
}

const syncing = programs.find(({ version }) => isAtLeast(version, syncsFrom))?.program

const go = usableGo()

/** False when there is, or can be, a server here that syncs before it acknowledges; else the line that says how to get one. */
export const missingSync: string | false =
  syncing === undefined &&
  go === undefined &&
  `nats-server 2.10 or later missing: install Go ${goNeeded.join('.')} or later, with which ${pinned} is fetched, or set ` +
    'SKERRY_NATS_DIR to a folder with one'

function usableGo(): string | undefined {
  const program = findProgram('go', ['/usr/local/go/bin'])
  if (program === undefined) return undefined
  const { stdout } = spawnSync(program, ['version'], { encoding: 'utf8' })
  return isAtLeast(/go(\d+\.\d+)/.exec(stdout ?? '')?.[1] ?? '0', goNeeded) ? program : undefined
}

/** A server that can sync first; fetched and built by the first start, in a minute or two. */
function syncingProgram(): string {
  if (syncing !== undefined) return syncing
  const target = join(fetchedFolder, 'nats-server')
  if (existsSync(target)) return target
  if (go === undefined) throw new Error(missingSync || '')
  const work = join(cache, `building-${process.pid}`)
  const source = `github.com/nats-io/nats-server/v2@v${pinned}`
  const env = { ...process.env, GOBIN: work, GOFLAGS: '' }
  const { status, stderr } = spawnSync(go, ['install', source], { encoding: 'utf8', env })
  if (status !== 0) throw new Error(`go install ${source} failed: ${stderr.trim().split('\n').slice(-3).join(' | ')}`)
  // A second process may have built it at the same time: whoever is first wins.
  if (!existsSync(target)) renameSync(work, fetchedFolder)
  rmSync(work, { recursive: true, force: true })
  return target
}

export const nats: ServerKind = {
  remedy: 'apt-get install nats-server',
  version: () => programs[0]?.version,
  start: (folder, options) => startNats(folder, { ...options, newer: options.durability === 'FULL' }),
}

/** `newer`: with one that could sync first, whether it is told to or not. Otherwise with what is on the path. */
export async function startNats(folder: string, options: StartServer & { readonly newer: boolean }): Promise<Server> {
  const { durability, port: wanted, newer } = options
  const file = newer ? syncingProgram() : programs[0]?.program
  if (file === undefined) throw new Error('nats-server is missing: apt-get install nats-server')
  const port = wanted ?? (await freePort())
  const monitor = await freePort()
  const config = join(folder, 'nats.conf')
  // File storage with the server's own defaults, as its documentation shows it.
  const lines = [
    `host: "${LOOPBACK}"`,
    `port: ${port}`,
    `http: "${LOOPBACK}:${monitor}"`,
    'jetstream {',
    `  store_dir: "${join(folder, 'jetstream')}"`,
    ...(durability === 'FULL' ? ['  sync_interval: always'] : []),
    '}',
    'include "more.conf"',
  ]
  await writeFile(join(folder, 'more.conf'), '', { flag: 'a' })
  await writeFile(config, `${lines.join('\n')}\n`)
  const server = await launch({ file, args: ['--config', config], port })
  return { ...server, monitor: { host: LOOPBACK, port: monitor } }
}
