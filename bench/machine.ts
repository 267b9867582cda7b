import { spawnSync } from 'node:child_process'
import { statfsSync } from 'node:fs'
import { cpus, release, tmpdir, totalmem, type } from 'node:os'
import { serverVersion } from '../test/servers/servers.ts'
import type { ServerName } from './types.ts'

/** Where and with what the figures were taken. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly kernel: string
  readonly node: string
  readonly sqlite: string
  readonly commit: string
  readonly folderInMemory: boolean
  readonly servers: Readonly<Partial<Record<ServerName, string>>>
}

const SERVERS: readonly ServerName[] = ['nats-server', 'redis-server', 'postgresql', 'rabbitmq-server', 'kafka']
const TMPFS = 0x01021994

export function describeMachine(folder: string = tmpdir()): Machine {
  const all = cpus()
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: `${type()} ${release()}`,
    node: process.versions.node,
    sqlite: process.versions.sqlite ?? 'unknown',
    commit: commit(),
    folderInMemory: isInMemory(folder),
    servers: versions(),
  }
}

/** Files in memory make every sync free, and every figure of the FULL class meaningless. */
export function isInMemory(folder: string): boolean {
  return statfsSync(folder).type === TMPFS
}

function versions(): Partial<Record<ServerName, string>> {
  const entries = SERVERS.map((name) => [name, serverVersion(name) ?? 'missing'] as const)
  return Object.fromEntries(entries)
}

function commit(): string {
  const told = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: import.meta.dirname, encoding: 'utf8' })
  return told.status === 0 ? told.stdout.trim() : 'unknown'
}
