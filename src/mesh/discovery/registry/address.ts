import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions as TlsOptions } from 'node:tls'
import { SkerryError } from '../../../errors.ts'

/** Where a registry listens. */
export type RegistryAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp' | 'tls'; readonly host: string; readonly port: number }

/** Linux has room for so many; what is longer would be cut off without a word. */
const longestPath = 107

/** `unix:/run/skerry/registry.sock`, `tcp://10.0.0.7:7300`, `tls://registry.internal:7300`. Throws `invalid_config`. */
export function registryAddress(text: string): RegistryAddress {
  if (text.startsWith('unix:') && text.length > 'unix:'.length) {
    const path = text.slice('unix:'.length)
    if (Buffer.byteLength(path) > longestPath)
      throw new SkerryError('invalid_config', `registry ${text}: the path has more than ${longestPath} bytes`)
    return { kind: 'unix', path }
  }
  const url = URL.canParse(text) ? new URL(text) : undefined
  const kind = url?.protocol.slice(0, -1)
  const plain = url && url.port !== '' && !url.username && !url.search && !url.hash && /^\/?$/.test(url.pathname)
  if (plain && (kind === 'tcp' || kind === 'tls'))
    return { kind, host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(url.port) }
  throw new SkerryError(
    'invalid_config',
    `registry '${text}': write unix:/run/skerry/registry.sock, tcp://10.0.0.7:7300 or tls://registry.internal:7300`,
  )
}

export function shownAddress(address: RegistryAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  return `${address.kind}://${host}:${address.port}`
}

/** Begins to connect. */
export function dial(address: RegistryAddress, tls: TlsOptions | undefined): Socket {
  if (address.kind === 'unix') return connectPlain({ path: address.path })
  const { host, port } = address
  // An address is no name that a registry could choose a certificate by.
  if (address.kind === 'tls') return connectTls({ ...(isIP(host) ? {} : { servername: host }), ...tls, host, port })
  return connectPlain({ host, port })
}
