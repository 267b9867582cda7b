import { hash } from 'node:crypto'
import type { ClientConfig } from 'pg'
import { SkerryError } from '../../errors.ts'
import { postgresTlsNames, tlsFiles } from '../../tls.ts'

/** Where a store is: a server, a database, a schema. */
export interface Place {
  readonly client: ClientConfig
  readonly schema: string
  /** Whose store it is; kept in it, so that tools find it. */
  readonly service: string
  readonly app: string
  /** For messages: never with a password. */
  readonly name: string
  /** Whether statements are prepared under names: not while opening, nor once a pooler turned out to mix them up. */
  named: boolean
  /** Longest wait for an answer before the connection counts as lost, in milliseconds. */
  readonly answerMs: number
  /** After so long without an answer the server is looked at over another connection, in milliseconds. */
  readonly quietMs: number
  /** Longest wait for a lock, in milliseconds. */
  readonly busyMs: number
  readonly idleMs: number
  readonly durability: 'full' | 'normal'
}

/** The URL without what must not be shown, for messages and status. */
export function shown(url: URL): string {
  return `postgres://${url.host}${url.pathname}`
}

/** Throws `invalid_config` for what is no PostgreSQL URL, or names a file that cannot be read; the message does not repeat it, since it may hold a password. */
export function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'postgres:' || url?.protocol === 'postgresql:') {
    tlsFiles(url.searchParams, shown(url), postgresTlsNames)
    return url
  }
  throw new SkerryError('invalid_config', 'the store is not a URL like postgres://user:password@host:5432/database')
}

const longestName = 63

/** One schema for each service; PostgreSQL cuts longer names in silence, so they end in a digest instead. */
export function schemaName(service: string, app: string | undefined): string {
  const name = `skerry_${app === undefined ? '' : `${app}_`}${service}`.toLowerCase().replaceAll(/[^a-z0-9_]/g, '_')
  const plain = name === `skerry_${app === undefined ? '' : `${app}_`}${service}`
  if (plain && name.length <= longestName) return name
  // What was changed to fit must not meet another name that became the same.
  const digest = hash('sha256', `${app ?? ''}\n${service}`, 'hex').slice(0, 10)
  return `${name.slice(0, longestName - 11)}_${digest}`
}

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** What `pg` is given. TLS as the URL's `sslmode` says; keep-alives find out about peers that are gone. */
export function clientConfig(url: URL, connectMs: number): ClientConfig {
  return {
    connectionString: url.href,
    application_name: url.searchParams.get('application_name') ?? 'skerry',
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  }
}
