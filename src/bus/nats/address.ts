import { readFileSync } from 'node:fs'
import { credsAuthenticator, type NodeConnectionOptions, type TlsOptions } from '@nats-io/transport-node'
import { messageOf, SkerryError } from '../../errors.ts'
import { tlsFiles, tlsNames, tlsParameters } from '../../tls.ts'

export interface Access {
  /**
   * `nats://host:4222`, `tls://…` for TLS; several servers of a cluster after commas. May hold `user:password@` or `token@`, and
   * at its end names of files: `?ca=ca.pem&cert=own.pem&key=own.key` for TLS, `credentials=shop.creds`.
   */
  readonly url: string
  readonly user?: string
  readonly password?: string
  readonly token?: string
  /** Text of a `.creds` file. */
  readonly credentials?: string
  /** Certificates and keys, as text or files; `{}` asks for TLS alone. */
  readonly tls?: TlsOptions
}

export interface Address {
  readonly options: NodeConnectionOptions
  /** Without credentials, for messages. */
  readonly where: string
}

/** How to reach a server, from what a user writes. Throws `invalid_config` without a word of the password. */
export function addressOf(access: Access): Address {
  const urls = access.url.split(',').map(parse)
  const first = urls[0] as URL
  const servers = urls.map(({ hostname, port }) => `${hostname}:${port || '4222'}`)
  const query = new URLSearchParams(urls.flatMap(({ searchParams }) => [...searchParams]))
  const asked = access.tls !== undefined || urls.some(({ protocol }) => protocol === 'tls:')
  const plain = `nats://${servers.join(',')}`
  const files = filesOf(query, plain)
  const secure = access.tls ?? files.tls ?? (asked ? {} : undefined)
  const user = access.user ?? decodeURIComponent(first.username)
  const password = access.password ?? decodeURIComponent(first.password)
  const token = access.token ?? (password === '' && access.user === undefined ? user : '')
  const credentials = access.credentials ?? files.credentials
  return {
    where: secure ? plain.replace('nats:', 'tls:') : plain,
    options: {
      servers,
      ...(secure && { tls: secure }),
      ...(token !== '' && { token }),
      ...(token === '' && user !== '' && { user, pass: password }),
      ...(credentials !== undefined && {
        authenticator: credsAuthenticator(new TextEncoder().encode(credentials)),
      }),
    },
  }
}

const parameters: readonly string[] = [...tlsParameters, 'credentials']

/** The client reads the files of TLS anew whenever it connects: what is renewed there is used. */
function filesOf(query: URLSearchParams, where: string): { tls: TlsOptions | undefined; credentials?: string } {
  const wrong = (why: string): SkerryError => new SkerryError('invalid_config', `${where}: ${why}`)
  for (const name of query.keys())
    if (!parameters.includes(name)) throw wrong(`'${name}' is none of ${parameters.join(', ')}`)
  const named = (name: string) => query.get(name) ?? undefined
  const [caFile, certFile, keyFile] = [named(tlsNames.ca), named(tlsNames.cert), named(tlsNames.key)]
  const tls = tlsFiles(query, where) && {
    ...(caFile !== undefined && { caFile }),
    ...(certFile !== undefined && { certFile }),
    ...(keyFile !== undefined && { keyFile }),
  }
  const file = named('credentials')
  try {
    return { tls, ...(file !== undefined && { credentials: readFileSync(file, 'utf8') }) }
  } catch (error) {
    throw wrong(`credentials cannot be read (${messageOf(error)})`)
  }
}

function parse(text: string): URL {
  const url = URL.parse(text.includes('://') ? text : `nats://${text}`)
  if (url && (url.protocol === 'nats:' || url.protocol === 'tls:') && url.hostname !== '') return url
  throw new SkerryError('invalid_config', 'the address of a NATS bus is no URL such as nats://127.0.0.1:4222')
}
