import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

/** Files in PEM. */
export interface Certificates {
  /** Of a private authority, which signed the next two. */
  readonly ca: string
  /** The server's, for 127.0.0.1 and localhost. */
  readonly server: Pair
  readonly client: Pair
  /** Of an authority that signed nothing of these. */
  readonly otherCa: string
  /** One that the other authority signed. */
  readonly stranger: Pair
}

export interface Pair {
  readonly cert: string
  readonly key: string
}

/** Makes them with `openssl`; see `missingProgram`. `clientName` becomes the client's common name. */
export function makeCertificates(folder: string, clientName = 'shop'): Certificates {
  const authority = makeAuthority(folder, 'authority')
  const other = makeAuthority(folder, 'other')
  return {
    ca: authority.cert,
    server: makePair(folder, 'server', authority, ['-subj', '/CN=localhost'], 'IP:127.0.0.1,DNS:localhost'),
    client: makePair(folder, 'client', authority, ['-subj', `/CN=${clientName}`], 'DNS:client'),
    otherCa: other.cert,
    stranger: makePair(folder, 'stranger', other, ['-subj', `/CN=${clientName}`], 'DNS:client'),
  }
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']

function makeAuthority(folder: string, name: string): Pair {
  return request(folder, name, ['-subj', `/CN=skerry test ${name}`])
}

function makePair(folder: string, name: string, by: Pair, subject: readonly string[], names: string): Pair {
  const signing = ['-CA', by.cert, '-CAkey', by.key, '-addext', 'basicConstraints=critical,CA:FALSE']
  return request(folder, name, [...subject, ...signing, '-addext', `subjectAltName=${names}`])
}

function request(folder: string, name: string, more: readonly string[]): Pair {
  const pair = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) }
  const args = ['req', '-x509', ...newKey, ...more, '-keyout', pair.key, '-out', pair.cert]
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  return pair
}

/** The query by which URLs of brokers name them. */
export const inUrl = (ca: string, { cert, key }: Pair): string => `ca=${ca}&cert=${cert}&key=${key}`
