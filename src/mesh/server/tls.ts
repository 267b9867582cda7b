import { createSecureContext, type TlsOptions } from 'node:tls'
import { messageOf, SkerryError } from '../../errors.ts'

type Pem = string | Buffer

/** What a server shows, and of whom it wants to be shown the same. All is PEM itself, not names of files. */
export interface ServerTls {
  /** Its certificate, with those that lead to a known authority after it. */
  readonly cert: Pem
  readonly key: Pem
  /** Mutual TLS: who signed the certificates of clients; whoever shows none is cut off. @default clients show none */
  readonly ca?: Pem
}

/** Throws `invalid_config` where certificate and key are not what they should be. */
export function checkedTls({ cert, key, ca }: ServerTls): ServerTls {
  const options = { cert, key, ...(ca !== undefined && { ca }) }
  try {
    createSecureContext(options)
    return options
  } catch (cause) {
    const problem = `tls: certificate, key or authority cannot be used (${messageOf(cause)})`
    throw new SkerryError('invalid_config', `${problem}; give PEM, and the key of the certificate`, { cause })
  }
}

/** The same for servers of Node. */
export function serverTls(tls: ServerTls, handshakeTimeout: number): TlsOptions {
  const options = checkedTls(tls)
  return {
    ...options,
    handshakeTimeout,
    ...(options.ca !== undefined && { requestCert: true, rejectUnauthorized: true }),
  }
}
