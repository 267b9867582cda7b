import { readFileSync } from 'node:fs'
import { causesOf, messageOf, SkerryError } from './errors.ts'

/** How a server's URL names the files that TLS needs, in PEM: its authority's certificate, and one's own with its key. */
export interface TlsNames {
  /** What turns it on, where the scheme does not. */
  readonly on: string
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** In URLs of brokers: `?ca=/etc/shop/ca.pem`. Only Kafka's are not told by their scheme. */
export const tlsNames: TlsNames = { on: 'tls=true', ca: 'ca', cert: 'cert', key: 'key' }

export const tlsParameters: readonly string[] = [tlsNames.ca, tlsNames.cert, tlsNames.key]

/** In URLs of PostgreSQL, by its own tools' names. */
export const postgresTlsNames: TlsNames = {
  on: 'sslmode=verify-full',
  ca: 'sslrootcert',
  cert: 'sslcert',
  key: 'sslkey',
}

/** What `tls.connect` takes of them. */
export interface TlsFiles {
  readonly ca?: Buffer
  readonly cert?: Buffer
  readonly key?: Buffer
}

/** Reads the files that a URL's query names; undefined where it names none. Throws `invalid_config`. */
export function tlsFiles(query: URLSearchParams, where: string, names = tlsNames): TlsFiles | undefined {
  const [ca, cert, key] = [names.ca, names.cert, names.key].map((name) => read(query, where, name))
  if ((cert === undefined) !== (key === undefined))
    throw new SkerryError(
      'invalid_config',
      `${where}: a certificate of one's own needs both ${names.cert} and ${names.key}`,
    )
  if (ca === undefined && cert === undefined) return undefined
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) }
}

function read(query: URLSearchParams, where: string, name: string): Buffer | undefined {
  const file = query.get(name)
  if (file === null) return undefined
  try {
    return readFileSync(file)
  } catch (cause) {
    throw new SkerryError('invalid_config', `${where}: ${name} cannot be read (${messageOf(cause)}); name a PEM file`, {
      cause,
    })
  }
}

/**
 * What a failure to connect says of TLS, with the remedy: certificates that are refused, on either side, or a side that speaks
 * none; undefined for any other failure. The code is `unauthorized`: trying again cannot help.
 */
export function tlsError(error: unknown, where: string, names = tlsNames): SkerryError | undefined {
  for (const one of causesOf(error)) {
    const code = 'code' in one ? String(one.code) : ''
    const said = messageOf(one).split('\n')[0]?.replaceAll(/\s+/g, ' ') ?? ''
    const known = troubles.find(({ codes, says }) => codes?.test(code) || says?.test(said))
    if (known)
      return new SkerryError('unauthorized', `${where}: ${known.what} (${tidy(said)}); ${known.remedy(names)}`, {
        cause: error,
      })
  }
  return undefined
}

/** OpenSSL names its source files, too: `C0A1…:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:…`. */
const tidy = (said: string): string => /error:\w+:[^:]*:[^:]*:([^:]+):/.exec(said)?.[1] ?? said

interface Trouble {
  /** As Node names what OpenSSL found. */
  readonly codes?: RegExp
  /** What servers and client libraries say. */
  readonly says?: RegExp
  readonly what: string
  readonly remedy: (names: TlsNames) => string
}

const troubles: readonly Trouble[] = [
  {
    codes:
      /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_\w+|CERT_UNTRUSTED|CERT_SIGNATURE_FAILURE)$/,
    what: 'its certificate is not trusted',
    remedy: ({ ca }) => `name the certificate of its authority: ?${ca}=<file>`,
  },
  {
    codes: /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    what: 'its certificate is for another name',
    remedy: () => 'use a name that stands in its certificate',
  },
  {
    codes: /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/,
    what: 'its certificate is out of date',
    remedy: () => 'renew it, or set the clock right',
  },
  {
    // Such as ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE.
    codes: /^ERR_SSL_\S*ALERT_\w+$/,
    says: /requires a valid client certificate/,
    what: 'it refuses our certificate, or wants one',
    remedy: ({ cert, key }) => `give one that it accepts: ?${cert}=<file>&${key}=<file>`,
  },
  {
    codes: /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)$/,
    says: /does not support (SSL|'tls')|verify the broker supports TLS/,
    what: 'it speaks no TLS here',
    remedy: () => 'check the port, turn TLS on there, or leave it out of the URL',
  },
  {
    says: /no encryption$|Broker requires TLS/,
    what: 'it refuses us without TLS',
    remedy: ({ on, ca }) => `use TLS: ?${on}&${ca}=<file>`,
  },
]
