import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Refusal } from '../../call.ts'
import { type ErrorCode, errorCodes, SkerryError } from '../../errors.ts'
import { codeOfStatus, isCode, wired } from './errors.ts'
import { problemOf } from './problem.ts'

test('a problem tells status, code and detail; it says when to come again where that can help', () => {
  assert.deepEqual(problemOf(new SkerryError('invalid_request', 'n: is missing')), {
    problem: { title: 'Bad Request', status: 400, code: 'invalid_request', detail: 'n: is missing' },
    retryAfterS: undefined,
  })
  const busy = problemOf(new SkerryError('overloaded', 'full', { retryAfterMs: 2500 }))
  assert.deepEqual([busy.problem.status, busy.retryAfterS], [503, 3])
  assert.equal(problemOf(new SkerryError('unavailable', 'away')).retryAfterS, 1)
  assert.equal(problemOf(new SkerryError('in_progress', 'wait', { retryAfterMs: 1000 })).retryAfterS, 1)
})

test('a fault of the service is told without its words', () => {
  for (const error of [new Error('password=1234'), 'text', new SkerryError('statement_failed', 'secret')]) {
    const { problem } = problemOf(error)
    assert.equal(problem.status, 500)
    assert.equal(problem.detail, 'a fault of the service; its log tells more')
  }
})

test('a refusal that the contract declares has its name, its status and its data', () => {
  const { problem } = problemOf(new Refusal('shop.place', 'full', { left: 3 }, 410))
  assert.deepEqual(problem, {
    ...{ title: 'Gone', status: 410, detail: 'shop.place: full', code: 'refused', reason: 'full' },
    data: { left: 3 },
  })
  assert.ok(!('data' in problemOf(new Refusal('shop.place', 'shut', undefined, 423)).problem))
})

test('every code has a status of HTTP and one of gRPC', () => {
  for (const code of Object.keys(errorCodes) as ErrorCode[]) {
    const { status, grpc } = wired(code)
    assert.ok(status >= 400 && status <= 599 && grpc >= 1 && grpc <= 16, code)
  }
  assert.equal(codeOfStatus(413), 'request_too_large')
  assert.equal(codeOfStatus(414), 'invalid_request')
  assert.equal(codeOfStatus(502), 'failed')
  assert.ok(isCode('refused') && !isCode('toString') && !isCode(7))
})
