import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Down } from './protocol.ts'
import { type Client, Roster } from './roster.ts'

interface Recorder extends Client {
  readonly got: Down[]
  /** What came since the last look. */
  news(): string
}

function client(): Recorder {
  const got: Down[] = []
  return {
    pid: 1,
    silent: false,
    got,
    send: (message) => got.push(message),
    news: () => got.splice(0).map(brief).join(' '),
  }
}

function brief(message: Down): string {
  if (message.kind === 'answer') return `members:${message.value}`
  if (message.kind === 'changed') return `${message.change}@${message.seat}`
  return 'grant' in message ? `${message.kind}@${message.seat}` : message.kind
}

const join = (roster: Roster, who: Client, seat: number, member: string, grant = 0): void =>
  roster.join(who, { kind: 'join', seat, group: 'g', member, grant })

test('until the roster is settled nobody is counted and no turn is granted', () => {
  const roster = new Roster(0)
  const [a, b] = [client(), client()]
  join(roster, a, 1, 'a')
  roster.members(a, 9, 'g')
  roster.want(a, 1)
  assert.equal(a.news(), '')
  join(roster, b, 1, 'b', 77)
  roster.settle()
  assert.equal(a.news(), 'members:a,b members@1')
  assert.equal(b.news(), 'wanted@1 members@1')
  roster.yield(b, 1, 77)
  assert.equal(a.news(), 'granted@1')
})

test('the end of a connection takes its seats, its turn and its place in the queue', () => {
  const roster = new Roster(0)
  roster.settle()
  const [a, b, c] = [client(), client(), client()]
  join(roster, a, 1, 'a')
  join(roster, b, 1, 'b')
  join(roster, c, 1, 'c')
  for (const who of [a, b, c]) roster.want(who, 1)
  for (const who of [a, b, c]) who.news()
  roster.disconnect(b)
  assert.equal(c.news(), 'members@1')
  roster.disconnect(a)
  assert.equal(c.news(), 'granted@1 members@1')
  roster.members(c, 1, 'g')
  assert.equal(c.news(), 'members:c')
  assert.equal(b.got.length, 0)
})

test('a silent process is not counted and holds nothing; when it answers, it is back where it asked', () => {
  const roster = new Roster(0)
  roster.settle()
  const [a, b] = [client(), client()]
  join(roster, a, 1, 'a')
  join(roster, b, 1, 'b')
  roster.want(a, 1)
  roster.want(b, 1)
  a.news()
  b.news()
  roster.silence(a, true)
  assert.equal(b.news(), 'granted@1 members@1')
  assert.equal(a.news(), 'revoked@1')
  roster.want(a, 1)
  roster.members(b, 1, 'g')
  assert.equal(b.news(), 'members:b')
  roster.silence(a, false)
  assert.equal(b.news(), 'wanted@1 members@1')
  roster.yield(b, 1, 2)
  assert.equal(a.news(), 'granted@1')
})

test('a nudge goes to the other seats of the group, in the same process too', () => {
  const roster = new Roster(0)
  roster.settle()
  const [a, b] = [client(), client()]
  join(roster, a, 1, 'a')
  join(roster, a, 2, 'a2')
  join(roster, b, 1, 'b')
  roster.join(b, { kind: 'join', seat: 2, group: 'other', member: 'x', grant: 0 })
  a.news()
  b.news()
  roster.nudge(a, 1)
  assert.equal(a.news(), 'nudge@2')
  assert.equal(b.news(), 'nudge@1')
})
