import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkSecret, proofOf, proves } from './secret.ts'

const secret = 'a secret of some length'
const challenges = { registry: 'r', client: 'c' }

describe('the proof of a secret', () => {
  test('is taken for the same secret, role and challenges alone', () => {
    const proof = proofOf(secret, 'client', challenges)
    assert.equal(proves(proof, secret, 'client', challenges), true)
    assert.equal(proves(proof, `${secret}.`, 'client', challenges), false)
    assert.equal(proves(proof, secret, 'registry', challenges), false)
    assert.equal(proves(proof, secret, 'client', { ...challenges, registry: 'q' }), false)
    assert.equal(proves(proof, secret, 'client', { ...challenges, client: 'd' }), false)
    assert.equal(proves(proof.slice(1), secret, 'client', challenges), false)
    assert.equal(proves('', secret, 'client', challenges), false)
  })

  test('does not hold the secret', () => {
    assert.match(proofOf(secret, 'client', challenges), /^[0-9a-f]{64}$/)
  })
})

test('a secret that could be guessed is refused, without being told', () => {
  assert.throws(
    () => checkSecret('hunter2'),
    (error: Error) => !error.message.includes('hunter2'),
  )
  checkSecret('0123456789abcdef')
})
