import { chmodSync, chownSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Server } from './kinds.ts'
import { unprivilegedOwner } from './postgres.ts'
import { findProgram, freePort, LOOPBACK, launch } from './process.ts'

const program = findProgram('pgbouncer')

/** As `missing` of `needs.ts`: a pooler is no engine, and only one test asks for it. */
export function missingPooler(): string | false {
  if (program !== undefined) return false
  const reason = 'pgbouncer missing; apt-get install pgbouncer'
  if (process.env.SKERRY_TEST_SERVERS === 'all') throw new Error(reason)
  return reason
}

/** A pooler in transaction mode before a PostgreSQL server: each transaction may find itself on another connection. */
export async function startPooler(folder: string, serverPort: number): Promise<Server> {
  if (program === undefined) throw new Error('pgbouncer is missing: apt-get install pgbouncer')
  const owner = unprivilegedOwner()
  const port = await freePort()
  const users = join(folder, 'users.txt')
  const config = join(folder, 'pgbouncer.ini')
  writeFileSync(users, '"postgres" ""\n')
  writeFileSync(
    config,
    `[databases]
* = host=${LOOPBACK} port=${serverPort}
[pgbouncer]
listen_addr = ${LOOPBACK}
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${users}
pool_mode = transaction
default_pool_size = 3
server_round_robin = 1
`,
  )
  for (const file of [users, config]) {
    if (owner) chownSync(file, owner.uid, owner.gid)
    chmodSync(file, 0o600)
  }
  return launch({ file: program, args: [config], port, stopSignal: 'SIGINT', ...owner })
}
