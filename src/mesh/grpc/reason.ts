import { type Channel, Metadata } from '@grpc/grpc-js'

export interface Asking {
  /** Resolves with what the library says to a call that cannot go out. */
  readonly details: Promise<string>
  end(): void
}

/** Asks a channel that cannot connect why. The library tells it to calls alone: this one names no method that anybody has. */
export function askWhy(channel: Channel): Asking {
  const call = channel.createCall('/', Number.POSITIVE_INFINITY, null, null, null)
  const { promise: details, resolve } = Promise.withResolvers<string>()
  call.start(new Metadata(), {
    onReceiveMetadata() {},
    onReceiveMessage() {},
    onReceiveStatus: (status) => resolve(status.details),
  })
  call.halfClose()
  return { details, end: () => call.cancelWithStatus(1, 'nobody waits') }
}

/** Such as `No connection established. Last error: Error: connect ECONNREFUSED 10.0.0.7:1 (2026-…Z). Resolution note: `. */
const around = /^.*?Last error: (?:Error: )?(.*?)\s*(?:\(\d{4}-\S+\))?\.? Resolution note:.*$/s
/** Such as `…:error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:../deps/…`. */
const openssl = /^.*:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):.*$/s

/** That reason in the words of whoever found it out, in one line. */
export function plainReason(details: string, withinTls: boolean): string {
  const reason = details.replace(around, '$1').replace(openssl, '$1').replaceAll(/\s+/g, ' ').trim()
  if (reason !== 'Failed to connect') return reason
  return withinTls
    ? 'the connection was closed at once; does it speak TLS, and trust the certificate that is shown?'
    : 'the connection was closed at once; does it speak gRPC without TLS?'
}
