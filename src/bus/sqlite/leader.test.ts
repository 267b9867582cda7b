import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { noCrash } from '../../telemetry.ts'
import { VirtualClock } from '../../time.ts'
import type { Batch } from '../bus.ts'
import { Leader, newPeer, type Peer } from './leader.ts'
import { type Down, protocolVersion, type Up } from './protocol.ts'
import { type Durability, openForWriting } from './schema.ts'
import { Writer } from './writer.ts'

interface Desk {
  readonly leader: Leader
  readonly db: DatabaseSync
  readonly clock: VirtualClock
  readonly durabilities: Durability[]
  connect(durability?: Durability): Process
}

/** One process, as the leader talks to it. */
interface Process {
  readonly peer: Peer
  readonly got: Down[]
  say(message: Up): void
  append(producer: string, first: number, count: number, bytes?: number): void
  acked(): number
  failures(): string[]
}

async function onLeader(run: (desk: Desk) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-leader-'))
  const file = join(folder, 'bus.db')
  const clock = new VirtualClock()
  const durabilities: Durability[] = []
  const none = Number.POSITIVE_INFINITY
  const db = openForWriting(file)
  const retention = { ageMs: none, bytes: none }
  const options = { file, pid: 7, clock, crash: noCrash, maxBytes: none, segmentBytes: 1e6, retention }
  const writer = new Writer(db, options)
  writer.beginTerm()
  const setDurability = (durability: Durability): void => void durabilities.push(durability)
  const leader = new Leader({ writer, file, pid: 7, maxBytes: none, clock, setDurability, onFenced() {} }, true)
  try {
    await run({ leader, db, clock, durabilities, connect: (durability) => connect(leader, clock, durability) })
  } finally {
    leader.stop(false)
    db.close()
    rmSync(folder, { recursive: true })
  }
}

function connect(leader: Leader, clock: VirtualClock, durability: Durability = 'normal'): Process {
  const got: Down[] = []
  let seq = 1
  const peer = newPeer(
    (message) => got.push(message),
    () => got.push({ kind: 'ping' }),
    clock.monotonic(),
  )
  const say = (message: Up): void => leader.receive(peer, message)
  const commits = () => got.filter((m) => m.kind === 'committed')
  leader.connect(peer)
  say({ kind: 'hello', version: protocolVersion, pid: 1, durability })
  return {
    peer,
    got,
    say,
    append(producer, first, count, bytes = 10) {
      const frame = 'x'.repeat(bytes)
      const batch: Batch = { stream: 's', producer, after: first - 1, first, count, frame }
      say({ kind: 'append', seq: seq++, batches: [batch] })
    },
    acked: () => Math.max(0, ...commits().map((m) => m.acked)),
    failures: () => commits().flatMap((m) => m.failed.map((f) => `${f.seq} ${f.failure.code}`)),
  }
}

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('what arrives in one turn of the loop is one commit, told to each process under its own numbers', () =>
  onLeader(async ({ connect }) => {
    const [a, b, c] = [connect(), connect(), connect()]
    a.append('p', 1, 2)
    b.append('q', 1, 1)
    a.append('p', 3, 1)
    b.append('q', 9, 1)
    assert.equal(a.acked(), 0)
    await tick()
    assert.deepEqual([a.acked(), b.acked(), c.acked()], [2, 2, 0])
    assert.deepEqual([a.failures(), b.failures()], [[], ['2 conflict']])
    const heard = c.got.at(-1)
    assert.ok(heard?.kind === 'committed')
    const { news, ...rest } = heard
    assert.deepEqual(rest, { kind: 'committed', acked: 0, failed: [], streams: ['s'] }, 'everybody hears')
    assert.deepEqual(
      news.map(({ stream, after, until, rows }) => [stream, after, until, rows.map(([at, count]) => [at, count])]),
      [
        [
          ...['s', 1, 5],
          [
            [1, 2],
            [3, 1],
            [4, 1],
          ],
        ],
      ],
      'and what is new',
    )
    assert.equal(c.got.filter((m) => m.kind === 'committed').length, 1)
  }))

test('one that floods the writer does not keep another waiting', () =>
  onLeader(async ({ connect }) => {
    const [flood, drop] = [connect(), connect()]
    for (let n = 1; n <= 30; n++) flood.append('p', n, 1, 1_000_000)
    drop.append('q', 1, 1)
    await tick()
    assert.equal(drop.acked(), 1)
    assert.ok(flood.acked() < 10, `${flood.acked()} of 30 were written before the other`)
    while (flood.acked() < 30) await tick()
  }))

test('one that sends more than the disk has room for fails by itself', () =>
  onLeader(async ({ connect, db }) => {
    const [large, small] = [connect(), connect()]
    db.exec('pragma max_page_count = 40')
    large.append('p', 1, 1, 1_000_000)
    small.append('q', 1, 1)
    await tick()
    assert.deepEqual([large.failures(), small.failures()], [['1 disk_full'], []])
    assert.equal(small.acked(), 1)
  }))

test('commits are as durable as the strictest process that is connected wants', () =>
  onLeader(async ({ leader, connect, durabilities }) => {
    connect('normal')
    const strict = connect('full')
    leader.disconnect(strict.peer)
    assert.deepEqual(durabilities, ['normal', 'full', 'normal'])
  }))

test('a process with another protocol is told which one writes, and is left out', () =>
  onLeader(async ({ connect }) => {
    const other = connect()
    other.got.length = 0
    other.say({ kind: 'hello', version: 99, pid: 2, durability: 'full' })
    assert.equal(other.got[0]?.kind, 'refused')
  }))

test('a process that does not answer for two seconds is silent, and one that answers is not', () =>
  onLeader(async ({ leader, connect, clock }) => {
    const [a, b] = [connect(), connect()]
    const members = (): unknown => {
      a.say({ kind: 'question', id: 1, question: { ask: 'members', group: 'g' } })
      const answer = a.got.at(-1)
      return answer?.kind === 'answer' ? answer.value : answer
    }
    for (const [who, member] of [
      [a, 'a'],
      [b, 'b'],
    ] as const)
      who.say({ kind: 'join', seat: 1, group: 'g', member, grant: 0 })
    for (let n = 0; n < 4; n++) {
      await clock.advance(500)
      leader.beat(false)
      a.say({ kind: 'pong' })
    }
    assert.deepEqual(members(), ['a', 'b'])
    await clock.advance(500)
    leader.beat(false)
    assert.deepEqual(members(), ['a'])
    b.say({ kind: 'pong' })
    assert.deepEqual(members(), ['a', 'b'])
    await clock.advance(60_000)
    leader.beat(true)
    assert.deepEqual(members(), ['a', 'b'], 'when it was paused itself, it judges nobody')
    b.say({ kind: 'silent', silent: true })
    b.say({ kind: 'pong' })
    assert.deepEqual(members(), ['a'], 'a blocked main thread stays silent though its worker answers')
  }))

test('a repeated forget whose first answer was lost is answered as done', () =>
  onLeader(async ({ connect }) => {
    const a = connect()
    const forget = (again: boolean): Down | undefined => {
      a.say({ kind: 'question', id: 1, question: { ask: 'forget', subscription: 'x', again } })
      return a.got.at(-1)
    }
    const first = forget(false)
    assert.equal(first?.kind === 'answer' && first.failure?.code, 'not_found')
    const second = forget(true)
    assert.equal(second?.kind === 'answer' && second.failure, undefined)
  }))

test('a leader that stops in order commits what has arrived', () =>
  onLeader(async ({ leader, connect }) => {
    const a = connect()
    a.append('p', 1, 1)
    leader.stop(true)
    assert.equal(a.acked(), 1)
    a.append('p', 2, 1)
    await tick()
    assert.equal(a.acked(), 1, 'what comes later is for the next one')
  }))
