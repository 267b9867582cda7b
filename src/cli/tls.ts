import { readFileSync } from 'node:fs'
import { messageOf, SkerryError } from '../errors.ts'
import type { ClientTls } from '../mesh/tls.ts'
import type { Invocation, Option } from './command.ts'
import { UsageError } from './failure.ts'

/** The three files of TLS, as a command words them. */
export function tlsOptions(ca: string, cert: string): Readonly<Record<string, Option>> {
  return { 'tls-ca': { type: 'string', value: 'FILE', help: ca }, ...certificateOptions(cert) }
}

/** The two of them that whoever listens needs. */
export function certificateOptions(cert: string): Readonly<Record<string, Option>> {
  return {
    'tls-cert': { type: 'string', value: 'FILE', help: cert },
    'tls-key': { type: 'string', value: 'FILE', help: 'the key of that certificate, PEM' },
  }
}

/** What the files hold. Throws `UsageError` for a certificate without its key. */
export function givenTls(values: Invocation['values']): ClientTls {
  const [ca, cert, key] = ['tls-ca', 'tls-cert', 'tls-key'].map((name) => readGiven(withEnvironment(values), name))
  if ((cert === undefined) !== (key === undefined)) throw new UsageError('--tls-cert and --tls-key belong together')
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) }
}

/** What is not said may be in `SKERRY_TLS_CA`, `SKERRY_TLS_CERT` and `SKERRY_TLS_KEY`. */
function withEnvironment(values: Invocation['values']): Invocation['values'] {
  const said = {
    'tls-ca': process.env.SKERRY_TLS_CA,
    'tls-cert': process.env.SKERRY_TLS_CERT,
    'tls-key': process.env.SKERRY_TLS_KEY,
  }
  const given = Object.entries(said).flatMap(([name, file]) => (file ? [[name, file] as const] : []))
  return { ...Object.fromEntries(given), ...values }
}

function readGiven(values: Invocation['values'], name: string): Buffer | undefined {
  const file = values[name]
  if (file === undefined) return undefined
  try {
    return readFileSync(String(file))
  } catch (cause) {
    throw new SkerryError('io_error', `--${name} ${file}: cannot be read (${messageOf(cause)})`, { cause })
  }
}
