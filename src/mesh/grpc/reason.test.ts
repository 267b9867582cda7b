import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plainReason } from './reason.ts'

const said = (error: string): string => `No connection established. Last error: ${error}. Resolution note: `
const alert =
  '4013549CD37F0000:error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:../deps/openssl/openssl/ssl/record/rec_layer_s3.c:918:SSL alert number 116\n'

test('the reason is what system, Node or OpenSSL say, in one line', () => {
  for (const [details, reason] of [
    [said('Error: connect ECONNREFUSED 127.0.0.1:1 (2026-11-26T12:43:30.335Z)'), 'connect ECONNREFUSED 127.0.0.1:1'],
    [said('Error: self-signed certificate in certificate chain'), 'self-signed certificate in certificate chain'],
    [said(`${alert} (2026-11-26T12:43:30.335Z)`), 'tlsv13 alert certificate required'],
    ['something\nelse', 'something else'],
  ] as const)
    assert.equal(plainReason(details, true), reason)
})

test('where nobody says one, the likely ones are asked for', () => {
  const details = said('Failed to connect (2026-11-26T12:43:30.340Z)')
  assert.match(plainReason(details, true), /trust the certificate that is shown\?$/)
  assert.match(plainReason(details, false), /gRPC without TLS\?$/)
})
