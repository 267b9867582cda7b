import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'pg'
import { kafkaOf } from '../servers/kafka.ts'
import type { Durability, ServerKind, ServerName } from '../servers/kinds.ts'
import { nats } from '../servers/nats.ts'
import { postgres } from '../servers/postgres.ts'
import { rabbitmq, rabbitmqctl } from '../servers/rabbitmq.ts'
import type { Broker } from './broker.ts'

export const engineNames = ['postgres', 'nats', 'rabbitmq', 'kafka'] as const
export type EngineName = (typeof engineNames)[number]

/** How an engine is run for a month with faults, and how what differs between engines is done to it. */
export interface Engine {
  readonly server: ServerName
  readonly kind: ServerKind
  readonly durability: Durability
  /** `full` where the server syncs before it acknowledges, so that its death undoes nothing. */
  readonly promised: 'full' | 'engine'
  url(port: number, user?: string): string
  /** What its server must be told where clients come through another port than its own. */
  readonly settings?: (seenAt: number) => Readonly<Record<string, string>>
  /** Lets the user `shop` in with `password`, makes it if need be, and ends connections under the one before. */
  readonly letIn: (broker: Broker, password: string) => Promise<void>
}

/** Whom the month logs in as, where credentials are revoked. */
export const user = 'shop'
export const passwords = { right: 'first', other: 'second' } as const

const kafkaVersion = '4.1.1'

export const engines: Readonly<Record<EngineName, Engine>> = {
  postgres: {
    ...{ server: 'postgresql', kind: postgres, durability: 'FULL', promised: 'full' },
    url: (port, who = 'postgres') => `postgres://${who}@127.0.0.1:${port}/postgres`,
    letIn: (broker, password) =>
      onPostgres(superuser(broker.port), async (client) => {
        const { rowCount } = await client.query('select from pg_roles where rolname = $1', [user])
        if (rowCount === 0) await makeRole(client, broker)
        await client.query(`alter role ${user} password '${password}'`)
        await client.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [user])
      }),
  },
  nats: {
    ...{ server: 'nats-server', kind: nats, durability: 'NORMAL', promised: 'engine' },
    url: (port, who) => `nats://${who ? `${who}@` : ''}127.0.0.1:${port}`,
    async letIn(broker, password) {
      writeUsers(broker.folder, password)
      // It reads its configuration anew, and ends connections that it would no longer let in.
      process.kill(broker.pid, 'SIGHUP')
    },
  },
  rabbitmq: {
    ...{ server: 'rabbitmq-server', kind: rabbitmq, durability: 'FULL', promised: 'full' },
    url: (port, who = 'guest:guest') => `amqp://${who}@127.0.0.1:${port}`,
    async letIn({ folder }, password) {
      const users = await rabbitmqctl(folder, 'list_users')
      if (users.includes(user)) await rabbitmqctl(folder, 'change_password', user, password)
      else {
        await rabbitmqctl(folder, 'add_user', user, password)
        await rabbitmqctl(folder, 'set_permissions', user, '.*', '.*', '.*')
      }
      await rabbitmqctl(folder, 'close_all_user_connections', user, 'credentials revoked')
    },
  },
  kafka: {
    ...{ server: 'kafka', kind: kafkaOf(kafkaVersion), durability: 'NORMAL', promised: 'engine' },
    url: (port, who) => `kafka://${who ? `${who}@` : ''}127.0.0.1:${port}${who ? '?mechanism=PLAIN' : ''}`,
    // Clients go on where the broker says that it is.
    settings: (seenAt) => ({ 'advertised.listeners': `PLAINTEXT://127.0.0.1:${seenAt}` }),
    // Users of SASL/PLAIN are part of a listener's settings, which are read at a start.
    async letIn(broker, password) {
      await broker.stop()
      await broker.start(withUsers(password))
    },
  },
}

export const superuser = (port: number, database = 'postgres'): string =>
  `postgres://postgres@127.0.0.1:${port}/${database}`

export async function onPostgres<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** The server trusts everybody else on this machine; of this one it wants a password. */
async function makeRole(client: Client, broker: Broker): Promise<void> {
  const file = join(broker.folder, 'postgres', 'pg_hba.conf')
  writeFileSync(file, `host all ${user} 127.0.0.1/32 scram-sha-256\n${readFileSync(file, 'utf8')}`)
  await client.query('select pg_reload_conf()')
  await client.query(`create role ${user} login`)
  await client.query(`grant create on database postgres to ${user}`)
}

function writeUsers(folder: string, password: string): void {
  const users = [
    { user, password },
    { user: 'admin', password: 'admin' },
  ]
  writeFileSync(join(folder, 'more.conf'), `authorization { users = ${JSON.stringify(users)} }\n`)
}

function withUsers(password: string): Record<string, string> {
  const login = 'org.apache.kafka.common.security.plain.PlainLoginModule required'
  return {
    'listener.security.protocol.map': 'PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'sasl.enabled.mechanisms': 'PLAIN',
    'sasl.mechanism.inter.broker.protocol': 'PLAIN',
    'listener.name.plaintext.plain.sasl.jaas.config': `${login} username="admin" password="admin" user_admin="admin" user_${user}="${password}";`,
  }
}
