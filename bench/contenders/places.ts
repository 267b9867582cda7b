import { serverOf } from '../contender.ts'
import type { Run, ServerName } from '../types.ts'

/** Engines that a contender's options may name as `engine`; without one it runs embedded. */
export type Engine = 'nats' | 'rabbitmq' | 'kafka' | 'postgres'

const servers: Readonly<Record<Engine, ServerName>> = {
  nats: 'nats-server',
  rabbitmq: 'rabbitmq-server',
  kafka: 'kafka',
  postgres: 'postgresql',
}

const users: Readonly<Record<Engine, string>> = {
  nats: '',
  rabbitmq: 'guest:guest@',
  kafka: '',
  postgres: 'postgres@',
}

export interface Places {
  readonly bus: string
  /** Absent: SQLite files in the run's folder. */
  readonly store?: string
  readonly app: string
}

export function engineOf(run: Run): Engine | undefined {
  const { engine } = run.options
  return engine === undefined ? undefined : (engine as Engine)
}

/** Where bus and stores are: on PostgreSQL both of them, on the other engines stores are SQLite files. */
export function placesOf(run: Run): Places | undefined {
  const engine = engineOf(run)
  if (engine === undefined) return undefined
  const { host, port } = serverOf(run, servers[engine])
  const database = engine === 'postgres' ? '/postgres' : ''
  const scheme = engine === 'rabbitmq' ? 'amqp' : engine
  const bus = `${scheme}://${users[engine]}${host}:${port}${database}`
  return { bus, app: run.app, ...(engine === 'postgres' && { store: bus }) }
}
