/** The peers' client libraries: a package of their own, installed on first use and never by the root install. */
import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Contender } from './types.ts'

const FOLDER = join(import.meta.dirname, 'peers')

export function isPeer(contender: Contender): boolean {
  return contender.program.startsWith('peers/')
}

/** Installs what the lock names, if that is not there yet. Answers what went wrong, if anything did. */
export function installPeers(say: (line: string) => void): string | undefined {
  if (changedAt('node_modules/.package-lock.json') >= changedAt('package-lock.json')) return undefined
  say('Installing the client libraries of the peers into bench/peers (only the first time) …')
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const { status, stderr, error } = spawnSync(npm, ['ci', '--no-audit', '--no-fund'], {
    cwd: FOLDER,
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  if (status === 0) return undefined
  const errors = (stderr ?? '').split('\n').filter((line) => line.startsWith('npm error'))
  const reason = error?.message ?? errors.slice(0, 2).join(' | ')
  return `the peers' libraries could not be installed (${reason}): see what "npm ci" in bench/peers says`
}

function changedAt(file: string): number {
  return statSync(join(FOLDER, file), { throwIfNoEntry: false })?.mtimeMs ?? -1
}
