import { SkerryError } from '../../errors.ts'
import { type TlsFiles, tlsFiles, tlsParameters } from '../../tls.ts'

export const saslMechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
export type SaslMechanism = (typeof saslMechanisms)[number]

export interface Address {
  readonly brokers: readonly { readonly host: string; readonly port: number }[]
  readonly user: string | undefined
  readonly password: string | undefined
  /** Undefined: without TLS. */
  readonly tls: TlsFiles | undefined
  readonly mechanism: SaslMechanism | undefined
  /** The URL as people may see it: without a password. */
  readonly shown: string
}

const form = /^kafka:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^/?#]+)\/?(?:\?([^#]*))?$/

/**
 * Reads `kafka://user:password@host:port,host:port?tls=true&mechanism=SCRAM-SHA-512`; `ca`, `cert` and `key` name PEM files, and
 * ask for TLS by themselves. Throws `invalid_config`.
 */
export function parseAddress(url: string): Address {
  const match = form.exec(url)
  if (!match) throw wrong('it must look like kafka://host:9092,host:9092')
  const [, user, password, hosts = '', query] = match
  const shown = `kafka://${user ? `${user}@` : ''}${hosts}`
  const { tls, mechanism } = readQuery(new URLSearchParams(query ?? ''), shown)
  return {
    brokers: hosts.split(',').map(readBroker),
    user: user === undefined || user === '' ? undefined : decode(user),
    password: password === undefined ? undefined : decode(password),
    tls,
    mechanism,
    shown,
  }
}

function readBroker(text: string): { host: string; port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = bracketed ?? plain
  const number = Number(port ?? 9092)
  if (!host || number < 1 || number > 65_535) throw wrong(`"${text}" is no host:port`)
  return { host, port: number }
}

const parameters: readonly string[] = ['tls', 'mechanism', ...tlsParameters]

function readQuery(query: URLSearchParams, shown: string): Pick<Address, 'tls' | 'mechanism'> {
  for (const name of query.keys())
    if (!parameters.includes(name)) throw wrong(`"${name}" is none of ${parameters.join(', ')}`)
  const files = tlsFiles(query, shown)
  const tls = query.get('tls') ?? (files ? 'true' : 'false')
  if (tls !== 'true' && tls !== 'false') throw wrong('tls must be true or false')
  if (tls === 'false' && files) throw wrong('certificates are of no use with tls=false')
  const asked = query.get('mechanism')?.toUpperCase()
  const mechanism = saslMechanisms.find((one) => one === asked)
  if (asked !== undefined && !mechanism) throw wrong(`mechanism must be one of ${saslMechanisms.join(', ')}`)
  return { tls: tls === 'true' ? (files ?? {}) : undefined, mechanism }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw wrong('user and password must be percent-encoded')
  }
}

const wrong = (why: string): SkerryError =>
  new SkerryError('invalid_config', `the URL of the Kafka bus cannot be read: ${why}`)
