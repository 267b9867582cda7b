import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isGatewayError, type Outcome, verdictOf } from './request.ts'

const answered = (status: number, grpcStatus?: number): Outcome => ({
  kind: 'answered',
  status,
  ...(grpcStatus === undefined ? {} : { grpcStatus }),
})

test('5xx, 429, no answer and gRPC codes that blame the server are bad; what the caller did wrong is not', () => {
  for (const status of [500, 503, 599, 429]) assert.equal(verdictOf(answered(status)), 'bad')
  for (const status of [200, 301, 400, 404, 409, 499]) assert.equal(verdictOf(answered(status)), 'good')
  for (const how of ['connect', 'refused', 'reset', 'timeout'] as const)
    assert.equal(verdictOf({ kind: 'lost', how }), 'bad')
  for (const code of [2, 4, 8, 13, 14, 15]) assert.equal(verdictOf(answered(200, code)), 'bad')
  for (const code of [0, 1, 3, 5, 6, 7, 9, 10, 11, 12, 16]) assert.equal(verdictOf(answered(200, code)), 'good')
})

test('what the caller gave up says nothing', () => {
  assert.equal(verdictOf({ kind: 'cancelled' }), 'none')
  assert.equal(isGatewayError({ kind: 'cancelled' }), false)
})

test('a gateway error is one that a proxy would answer for an endpoint that cannot be used', () => {
  for (const outcome of [answered(502), answered(503), answered(504), answered(200, 14)])
    assert.equal(isGatewayError(outcome), true)
  assert.equal(isGatewayError({ kind: 'lost', how: 'timeout' }), true)
  for (const outcome of [answered(500), answered(501), answered(505), answered(429), answered(200, 13)])
    assert.equal(isGatewayError(outcome), false)
})
