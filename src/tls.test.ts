import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf } from './errors.ts'
import { postgresTlsNames, tlsError, tlsFiles } from './tls.ts'

const coded = (code: string, said = 'said'): Error => Object.assign(new Error(said), { code })
const here = import.meta.filename

test('a URL that names no files asks for none', () => {
  assert.equal(tlsFiles(new URLSearchParams('tls=true'), 'kafka://h'), undefined)
})

test('files are read under the names that each engine has for them', () => {
  const brokers = tlsFiles(new URLSearchParams({ ca: here, cert: here, key: here }), 'amqps://h')
  assert.deepEqual(Object.keys(brokers ?? {}), ['ca', 'cert', 'key'])
  const postgres = tlsFiles(new URLSearchParams({ sslrootcert: here }), 'postgres://h', postgresTlsNames)
  assert.deepEqual(Object.keys(postgres ?? {}), ['ca'])
})

test('a file that cannot be read, and a certificate without its key, are refused by name', () => {
  const refused = (query: string, message: RegExp) =>
    assert.throws(() => tlsFiles(new URLSearchParams(query), 'amqps://h'), { code: 'invalid_config', message })
  refused('ca=/nowhere.pem', /^amqps:\/\/h: ca cannot be read \(ENOENT: .*\); name a PEM file$/)
  refused(`cert=${here}`, /^amqps:\/\/h: a certificate of one's own needs both cert and key$/)
})

test('what TLS says is told with the remedy, however deep it is, and nothing else is', () => {
  const told = (error: unknown, names = postgresTlsNames) => tlsError(error, 'postgres://h', names)?.message
  const deep = new AggregateError([new Error('tried', { cause: coded('DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed') })])
  assert.equal(
    told(deep),
    'postgres://h: its certificate is not trusted (self-signed); name the certificate of its authority: ?sslrootcert=<file>',
  )
  assert.match(told(coded('ERR_TLS_CERT_ALTNAME_INVALID')) ?? '', /for another name .*use a name/)
  assert.match(told(coded('CERT_HAS_EXPIRED')) ?? '', /out of date .*renew it/)
  assert.match(told(coded('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED')) ?? '', /\?sslcert=<file>&sslkey=<file>$/)
  assert.match(told(new Error('The server does not support SSL connections')) ?? '', /speaks no TLS here/)
  assert.match(told(new Error('Broker requires TLS.')) ?? '', /without TLS .*\?sslmode=verify-full&sslrootcert=<file>$/)
  assert.equal(told(coded('ECONNREFUSED')), undefined)
  assert.equal(codeOf(tlsError(coded('CERT_UNTRUSTED'), '')), 'unauthorized')
})

test('what OpenSSL says of its own source files is left out', () => {
  const said = '40F3:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../ssl3_record.c:355:\n'
  assert.match(tlsError(coded('ERR_SSL_WRONG_VERSION_NUMBER', said), 'h')?.message ?? '', /\(wrong version number\)/)
})
