import assert from 'node:assert/strict'
import { test } from 'node:test'
import { factLine } from './facts.ts'

test('what is worth knowing is one line, what is ordinary none', () => {
  const event = { subscription: 'orders/charge', type: 'placed', id: '7' }
  assert.equal(
    factLine({ kind: 'dead', ...event, code: 'terminal', message: 'no\n such card' }),
    'orders/charge: placed 7 became a dead letter: terminal: no such card',
  )
  assert.equal(
    factLine({ kind: 'circuit', subscription: 'orders/charge', state: 'open' }),
    'orders/charge: circuit open',
  )
  assert.match(
    factLine({ kind: 'paused', where: 'orders', code: 'disk_full', message: 'm', resumesInMs: 20.4 }) ?? '',
    /21 ms/,
  )
  const forever = {
    kind: 'paused',
    where: 'orders',
    code: 'closed',
    message: 'm',
    resumesInMs: Number.POSITIVE_INFINITY,
  } as const
  assert.equal(factLine(forever), 'orders: stopped: closed: m')
  assert.match(factLine({ kind: 'stuck', where: 'bus', pid: 5, sinceMs: 1200 }) ?? '', /process 5/)
  assert.match(factLine({ kind: 'clock_jump', byMs: -90_000 }) ?? '', /-90 s/)
  assert.match(factLine({ kind: 'overrun', ...event, budgetMs: 100 }) ?? '', /100 ms/)
  assert.equal(
    factLine({ kind: 'shed', normal: 2, low: 10, limit: 64 }),
    'turned away 12 calls, 10 of them of low priority: too many were under way; the limit is 64',
  )
  assert.equal(
    factLine({ kind: 'instance', service: 'stock', id: 'a1', address: 'http://10.0.0.7:80', state: 'ejected' }),
    'stock: the instance a1 at http://10.0.0.7:80 is left out for a while: it fails call after call',
  )
  const registry = { kind: 'registry', address: 'tcp://10.0.0.7:7300' } as const
  assert.equal(
    factLine({ ...registry, state: 'joined', code: 'ok', message: '' }),
    'registry tcp://10.0.0.7:7300: this process is known there',
  )
  assert.equal(
    factLine({ ...registry, state: 'away', code: 'unavailable', message: 'registry tcp://10.0.0.7:7300: no' }),
    'registry tcp://10.0.0.7:7300: no; what is known stays, and it is tried again',
  )
  assert.equal(factLine({ kind: 'again', service: 'stock', granted: true }), undefined)
  assert.equal(factLine({ kind: 'handled', ...event, latencyMs: 1 }), undefined)
})
