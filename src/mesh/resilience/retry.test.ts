import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome } from '../request.ts'
import { decideCallRetry, defaultCallRetry, type RetryCondition, retryWait, type Tried } from './retry.ts'

const answered = (status: number, more: object = {}): Outcome => ({ kind: 'answered', status, ...more })
const unavailable = answered(503)

function decide(changes: Partial<Tried>, on?: RetryCondition[], withdraw = (): boolean => true, random = 0.5) {
  const tried = { outcome: unavailable, tries: 1, idempotent: true, outermost: true, leftMs: 1000, ...changes }
  return decideCallRetry(
    tried,
    on ? { ...defaultCallRetry, on: new Set(on) } : defaultCallRetry,
    () => random,
    withdraw,
  )
}

test('a failure that may pass is tried again after a random wait', () => {
  assert.deepEqual(decide({}), { kind: 'retry', waitMs: 12.5 })
  assert.deepEqual(decide({ tries: 2 }), { kind: 'retry', waitMs: 25 })
  assert.deepEqual(decide({}, undefined, undefined, 0), { kind: 'retry', waitMs: 0 })
})

test('each reason to stop has its name', () => {
  const stop = (why: string) => ({ kind: 'stop', why })
  assert.deepEqual(decide({ outcome: answered(200) }), stop('settled'))
  assert.deepEqual(decide({ outcome: answered(500) }), stop('settled'))
  assert.deepEqual(decide({ outcome: { kind: 'cancelled' } }), stop('settled'))
  assert.deepEqual(decide({ outermost: false }), stop('inner'))
  assert.deepEqual(decide({ idempotent: false }), stop('not_idempotent'))
  assert.deepEqual(decide({ tries: 3 }), stop('tries'))
  assert.deepEqual(decide({ leftMs: 12 }), stop('deadline'))
  assert.deepEqual(
    decide({}, undefined, () => false),
    stop('budget'),
  )
})

test('what never reached a handler is tried again though the call is not idempotent', () => {
  for (const how of ['connect', 'refused'] as const)
    assert.equal(decide({ idempotent: false, outcome: { kind: 'lost', how } }).kind, 'retry')
  for (const how of ['reset', 'timeout'] as const)
    assert.equal(decide({ idempotent: false, outcome: { kind: 'lost', how } }).kind, 'stop')
})

test('an answer that says that nothing has begun is tried again whatever the call is; at once, but where there was too much to do', () => {
  const refused = (unbegun: string) => answered(503, { unbegun, retryAfterMs: 400 })
  for (const unbegun of ['leaving', 'starting'])
    assert.deepEqual(decide({ idempotent: false, outcome: refused(unbegun) }), { kind: 'retry', waitMs: 12.5 })
  assert.deepEqual(decide({ idempotent: false, outcome: refused('shed') }), { kind: 'retry', waitMs: 412.5 })
  assert.equal(decide({ idempotent: false, outcome: answered(503, { retryAfterMs: 400 }) }).kind, 'stop')
  // To Envoy's ears it is a refused stream.
  assert.equal(decide({ outcome: refused('leaving') }, ['refused-stream']).kind, 'retry')
  assert.equal(decide({ outcome: refused('leaving') }, ['reset']).kind, 'stop')
})

test('Retry-After is obeyed, with the random wait on top; where time is too short for it nothing is sent', () => {
  assert.deepEqual(decide({ outcome: answered(429, { retryAfterMs: 700 }) }), { kind: 'retry', waitMs: 712.5 })
  assert.deepEqual(decide({ outcome: answered(503, { retryAfterMs: 2000 }) }), { kind: 'stop', why: 'deadline' })
})

test('the budget is asked last: what does not happen costs nothing', () => {
  let asked = 0
  const withdraw = (): boolean => asked++ >= 0
  const never: Partial<Tried>[] = [{ outcome: answered(200) }, { outermost: false }, { idempotent: false }]
  for (const changes of [...never, { tries: 3 }, { leftMs: 1 }]) decide(changes, undefined, withdraw)
  assert.equal(asked, 0)
  decide({}, undefined, withdraw)
  assert.equal(asked, 1)
})

test('waits double up to a bound, and are anything from nothing to it', () => {
  const bounds = [1, 2, 3, 4, 5, 40].map((tries) => retryWait(tries, defaultCallRetry, () => 1))
  assert.deepEqual(bounds, [25, 50, 100, 200, 250, 250])
  assert.equal(
    retryWait(3, defaultCallRetry, () => 0),
    0,
  )
})

const matching: [RetryCondition, yes: Outcome[], no: Outcome[]][] = [
  ['5xx', [answered(500), answered(503), { kind: 'lost', how: 'reset' }], [answered(499), answered(429)]],
  [
    'gateway-error',
    [answered(502), answered(503), answered(504), { kind: 'lost', how: 'timeout' }],
    [answered(500), answered(505)],
  ],
  [
    'reset',
    [
      { kind: 'lost', how: 'reset' },
      { kind: 'lost', how: 'timeout' },
    ],
    [answered(503)],
  ],
  ['reset-before-request', [{ kind: 'lost', how: 'connect' }], [{ kind: 'lost', how: 'reset' }]],
  ['connect-failure', [{ kind: 'lost', how: 'connect' }], [{ kind: 'lost', how: 'refused' }, answered(503)]],
  ['refused-stream', [{ kind: 'lost', how: 'refused' }], [{ kind: 'lost', how: 'connect' }]],
  ['retriable-4xx', [answered(409)], [answered(404), answered(429)]],
  ['envoy-ratelimited', [answered(429)], [answered(503)]],
  ['unavailable', [answered(200, { grpcStatus: 14 })], [answered(503), answered(200, { grpcStatus: 13 })]],
  ['cancelled', [answered(200, { grpcStatus: 1 })], [{ kind: 'cancelled' }]],
  ['deadline-exceeded', [answered(200, { grpcStatus: 4 })], [{ kind: 'lost', how: 'timeout' }]],
  ['internal', [answered(200, { grpcStatus: 13 })], [answered(500)]],
  ['resource-exhausted', [answered(200, { grpcStatus: 8 })], [answered(200, { grpcStatus: 0 })]],
  [418, [answered(418)], [answered(419)]],
]

for (const [on, yes, no] of matching)
  test(`the condition ${on} means what it means in Envoy`, () => {
    for (const outcome of yes) assert.equal(decide({ outcome }, [on]).kind, 'retry', JSON.stringify(outcome))
    for (const outcome of no)
      assert.deepEqual(decide({ outcome }, [on]), { kind: 'stop', why: 'settled' }, JSON.stringify(outcome))
  })
