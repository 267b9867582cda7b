import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Batch } from '../bus.ts'
import type { Down, Growth, ToMain, Up } from './protocol.ts'
import { Session } from './session.ts'

function desk() {
  const main: ToMain[] = []
  const session = new Session((message) => main.push(message))
  const connect = (): Up[] => {
    const sent: Up[] = []
    session.attach({ send: (message) => sent.push(message) })
    return sent
  }
  return { main, session, connect }
}

const batch = (first: number): Batch => ({ stream: 's', producer: 'p', after: first - 1, first, count: 1, frame: '' })
const committed = (acked: number, streams: string[] = [], news: Growth[] = []): Down => ({
  ...{ kind: 'committed', acked, failed: [], streams, news },
})
const growth = (stream: string): Growth => ({ stream, after: 1, until: 2, rows: [[1, 1, 'x']], term: '1.a' })

test('what was not settled is said again to the next writer, under its old numbers, and nothing else', () => {
  const { session, connect } = desk()
  connect()
  session.pass({ kind: 'append', seq: 1, batches: [batch(1), batch(2)] })
  session.pass({ kind: 'append', seq: 3, batches: [batch(3)] })
  session.receive(committed(1))
  session.pass({ kind: 'question', id: 7, question: { ask: 'forget', subscription: 'x' } })
  session.pass({ kind: 'question', id: 8, question: { ask: 'members', group: 'g' } })
  session.receive({ kind: 'answer', id: 8, value: [] })
  session.detach()
  session.pass({ kind: 'append', seq: 4, batches: [batch(4)] })
  const sent = connect()
  assert.deepEqual(sent, [
    { kind: 'question', id: 7, question: { ask: 'forget', subscription: 'x', again: true } },
    { kind: 'marks', marks: {} },
    { kind: 'append', seq: 2, batches: [batch(2), batch(3), batch(4)] },
  ])
  session.receive(committed(4))
  session.detach()
  assert.deepEqual(connect().at(-1), { kind: 'marks', marks: {} })
})

test('seats come back with the turns that they hold or want', () => {
  const { session, connect } = desk()
  connect()
  for (const seat of [1, 2, 3, 4]) session.pass({ kind: 'join', seat, group: 'g', member: `m${seat}`, grant: 0 })
  session.pass({ kind: 'want', seat: 1 })
  session.receive({ kind: 'granted', seat: 1, grant: 5 })
  session.pass({ kind: 'want', seat: 2 })
  session.pass({ kind: 'leave', seat: 4 })
  session.detach()
  const joins = connect().filter((m) => m.kind === 'join' || m.kind === 'want')
  assert.deepEqual(
    joins.map((m) => (m.kind === 'join' ? `${m.member} ${m.grant}` : `want ${m.kind === 'want' && m.seat}`)),
    ['m1 5', 'm2 0', 'want 2', 'm3 0'],
  )
  session.detach()
  session.pass({ kind: 'yield', seat: 1, grant: 5 })
  assert.equal(
    connect().some((m) => m.kind === 'join' && m.grant > 0),
    false,
  )
})

test('the main thread hears of streams that it watches only, and of all of them after a change of writer', () => {
  const { session, connect, main } = desk()
  connect()
  session.watch('s', true)
  session.receive(committed(0, ['t']))
  assert.deepEqual(main, [])
  session.receive(committed(0, ['s', 't'], [growth('s'), growth('t')]))
  assert.deepEqual(main.splice(0), [committed(0, ['s'], [growth('s')])])
  session.detach()
  connect()
  assert.deepEqual(main.splice(0), [committed(0, ['s'])])
  session.watch('s', false)
  session.receive(committed(0, ['s']))
  assert.deepEqual(main, [])
})

test('marks are said again, the newest of each stream', () => {
  const { session, connect } = desk()
  session.pass({ kind: 'marks', marks: { a: { s: 1, t: 1 } } })
  session.pass({ kind: 'marks', marks: { a: { s: 2 }, b: { s: 1 } } })
  assert.deepEqual(connect(), [{ kind: 'marks', marks: { a: { s: 2, t: 1 }, b: { s: 1 } } }])
})
