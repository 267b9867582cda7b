import { credsAuthenticator, type NodeConnectionOptions, type TlsOptions } from '@nats-io/transport-node'
import { SkerryError } from '../../errors.ts'

export interface Access {
  /** `nats://host:4222`, `tls://…` for TLS; several servers of a cluster after commas. May hold `user:password@` or `token@`. */
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
  const secure = access.tls ?? (urls.some(({ protocol }) => protocol === 'tls:') ? {} : undefined)
  const user = access.user ?? decodeURIComponent(first.username)
  const password = access.password ?? decodeURIComponent(first.password)
  const token = access.token ?? (password === '' && access.user === undefined ? user : '')
  return {
    where: `nats://${servers.join(',')}`,
    options: {
      servers,
      ...(secure && { tls: secure }),
      ...(token !== '' && { token }),
      ...(token === '' && user !== '' && { user, pass: password }),
      ...(access.credentials !== undefined && {
        authenticator: credsAuthenticator(new TextEncoder().encode(access.credentials)),
      }),
    },
  }
}

function parse(text: string): URL {
  const url = URL.parse(text.includes('://') ? text : `nats://${text}`)
  if (url && (url.protocol === 'nats:' || url.protocol === 'tls:') && url.hostname !== '') return url
  throw new SkerryError('invalid_config', 'the address of a NATS bus is no URL such as nats://127.0.0.1:4222')
}
