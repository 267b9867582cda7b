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

/** What a server goes on with instead. Throws `invalid_config`, also where it would change who is let in. */
export function renewedTls(before: ServerTls | undefined, tls: ServerTls): ServerTls {
  if (!before)
    throw new SkerryError('invalid_config', 'tls: nothing is served within TLS; it must be so from the start')
  if ((before.ca === undefined) !== (tls.ca === undefined))
    throw new SkerryError(
      'invalid_config',
      'tls: whether clients show certificates stays as it was at the start; give ca as then',
    )
  return checkedTls(tls)
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
