import type { ServerKind } from './kinds.ts'
import { findProgram, freePort, LOOPBACK, launch, versionOf } from './process.ts'

const program = findProgram('redis-server')

export const redis: ServerKind = {
  remedy: 'apt-get install redis-server',
  version: () => versionOf(program),
  async start(folder, { durability, port: wanted }) {
    if (program === undefined) throw new Error('redis-server is missing: apt-get install redis-server')
    const port = wanted ?? (await freePort())
    // BullMQ, "Going to production": append-only file, and never evict. Its `everysec` is the NORMAL class.
    const settings = {
      bind: LOOPBACK,
      port,
      dir: folder,
      appendonly: 'yes',
      appendfsync: durability === 'FULL' ? 'always' : 'everysec',
      'maxmemory-policy': 'noeviction',
      save: '',
    }
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
    return launch({ file: program, args, port })
  },
}
