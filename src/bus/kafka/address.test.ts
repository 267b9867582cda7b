import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseAddress } from './address.ts'

describe('addresses', () => {
  test('several brokers, a user and TLS are read from the URL, and shown without the password', () => {
    const address = parseAddress('kafka://me:s%40cret@one:9093,[::1]:9094,three?tls=true&mechanism=scram-sha-256')
    assert.deepEqual(address, {
      brokers: [
        { host: 'one', port: 9093 },
        { host: '::1', port: 9094 },
        { host: 'three', port: 9092 },
      ],
      user: 'me',
      password: 's@cret',
      tls: {},
      mechanism: 'SCRAM-SHA-256',
      shown: 'kafka://me@one:9093,[::1]:9094,three',
    })
  })

  for (const url of [
    'http://one:9092',
    'kafka://',
    'kafka://one:99999',
    'kafka://one,',
    'kafka://one?tls=perhaps',
    'kafka://one?mechanism=MD5',
    'kafka://one?password=x',
    'kafka://u:%zz@one',
  ])
    test(`${url} is refused`, () => assert.throws(() => parseAddress(url), { code: 'invalid_config' }))

  test('a refusal never repeats a password', () =>
    assert.throws(
      () => parseAddress('kafka://me:hush@one:1?tls=maybe'),
      (error: Error) => !error.message.includes('hush'),
    ))
})
