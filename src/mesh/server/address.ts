import { SkerryError } from '../../errors.ts'

/** Where a server listens. Port 0 is any that is free. */
export type Address =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

/** `8080`, `127.0.0.1:8080`, `[::]:8080`, `unix:/run/orders.sock`. Throws `invalid_config` naming what is known. */
export function addressOf(text: string): Address {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length)
    if (path === '') throw wrong(text)
    // Linux has room for 107 bytes; what is longer would be cut off without a word.
    if (Buffer.byteLength(path) > 107) throw new SkerryError('invalid_config', `address '${text}': at most 107 bytes`)
    return { kind: 'unix', path }
  }
  const [, inBrackets, plain, digits] = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s/]+)):)?(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits ?? Number.NaN)
  if (!(port <= 65_535)) throw wrong(text)
  return { kind: 'tcp', host: inBrackets ?? plain ?? '127.0.0.1', port }
}

function wrong(text: string): SkerryError {
  return new SkerryError(
    'invalid_config',
    `address '${text}': write 8080, 127.0.0.1:8080, [::1]:8080 or unix:/run/orders.sock; port 0 is any that is free`,
  )
}

/** What is spoken at an address: HTTP, frames or gRPC, and each of them within TLS. */
export type Scheme = 'http' | 'https' | 'tcp' | 'tls' | 'grpc' | 'grpcs'

/** As it is told to others: `http://127.0.0.1:8080`, `unix:/run/orders.sock`. */
export function urlOf(address: Address, scheme: Scheme = 'http'): string {
  if (address.kind === 'unix') return `unix:${address.path}`
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  return `${scheme}://${host}:${address.port}`
}
