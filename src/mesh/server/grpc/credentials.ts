import type { SecureContextOptions } from 'node:tls'
import { ServerCredentials } from '@grpc/grpc-js'
import { checkedTls, type ServerTls } from '../tls.ts'

/** As `createSsl` makes them, but for a certificate that can be replaced while the server runs. */
export class RenewableCredentials extends ServerCredentials {
  /** Throws `invalid_config`. */
  constructor(tls: ServerTls) {
    super({ requestCert: tls.ca !== undefined }, contextOf(checkedTls(tls)))
  }

  /** For connections to come; whether clients show certificates cannot change. */
  renew(tls: ServerTls): void {
    this.updateSecureContextOptions(contextOf(tls))
  }

  _equals(other: ServerCredentials): boolean {
    return this === other
  }
}

const contextOf = ({ cert, key, ca }: ServerTls): SecureContextOptions => ({
  cert,
  key,
  ...(ca !== undefined && { ca }),
})
