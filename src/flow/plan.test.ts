import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Capabilities } from '../bus/bus.ts'
import { contract } from '../contract.ts'
import { service } from '../service.ts'
import { planOf } from './plan.ts'

const all: Capabilities = {
  ...{ keyOrder: 'emulated', delay: 'native', replay: 'native', fencing: 'native', deduplication: 'native' },
  ...{ fromStart: 'native', deduplicationHorizonMs: Number.POSITIVE_INFINITY, durability: 'synced' },
}

function ordered() {
  const own = service(contract('orders', { events: {} }))
  own.subscribe('mails', { from: 'now', order: 'key' })
  return own
}

test('the plan says, per subscription, how each need is served', () => {
  const needs = planOf(ordered(), 'sqlite', all).map(
    ({ subscription, need, grade }) => `${subscription} ${need} ${grade}`,
  )
  assert.deepEqual(needs, [
    'orders/mails delay native',
    'orders/mails fencing native',
    'orders/mails deduplication native',
    'orders/mails keyOrder emulated',
  ])
})

test('what an engine cannot give is refused, naming subscription, capability and engine', () => {
  assert.throws(() => planOf(ordered(), 'paper', { ...all, keyOrder: 'absent' }), {
    code: 'capability_absent',
    message: /orders\/mails needs keyOrder, which paper does not give/,
  })
})

test('a capability that no handler needs may be absent', () => {
  assert.doesNotThrow(() => planOf(ordered(), 'paper', { ...all, replay: 'absent' }))
})

for (const [fromStart, remark] of [
  ['absent', 'gets what is published after its first start, and cannot be rebuilt'],
  ['native', 'a new store gets all that is there; one that has begun cannot read it again, nor be rebuilt'],
] as const)
  test(`without replay a subscription from the start may begin, and the plan says what that means: ${fromStart}`, () => {
    const own = service(contract('orders', { events: {} }), { projection: true })
    own.subscribe('ledger', { from: 'start' })
    const line = planOf(own, 'paper', { ...all, fromStart, replay: 'absent' }).find(({ need }) => need === 'replay')
    assert.deepEqual(line, { subscription: 'orders/ledger', need: 'replay', grade: 'absent', remark })
  })
