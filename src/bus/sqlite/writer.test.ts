import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeFrame } from '../../frame.ts'
import type { Batch } from '../bus.ts'
import { sample } from '../conformance/fixture.ts'
import { onWriter } from './desk.ts'
import { Reader } from './reader.ts'

let last = 0

function batch(after: number, count: number, bytes = 0, stream = 's'): Batch {
  last = after + count
  const records = Array.from({ length: count }, (_, i) => sample(`${after + i + 1}`, 'x'.repeat(bytes)))
  return { stream, producer: 'p', after, first: after + 1, count, frame: encodeFrame(records) }
}

function stored(file: string, stream = 's'): string[] {
  const reader = new Reader(file)
  try {
    const ids: string[] = []
    let at = 0
    for (;;) {
      const { events, next } = reader.read(stream, at, { events: 100, bytes: 1e6 })
      if (events.length === 0) return ids
      ids.push(...events.map((e) => e.record.id))
      at = next
    }
  } finally {
    reader.close()
  }
}

const numbers = (to: number): string[] => Array.from({ length: to }, (_, i) => `${i + 1}`)

test('a full disk refuses the commit whole, and it goes on by itself when there is space', () =>
  onWriter({}, ({ db, file, writer }) => {
    writer.commit([batch(0, 3)])
    db.exec('pragma max_page_count = 20')
    assert.throws(() => writer.commit([batch(3, 1), { ...batch(0, 200, 5000), producer: 'q' }]), {
      code: 'disk_full',
      message: /bus\.db/,
    })
    assert.equal(db.isTransaction, false)
    assert.deepEqual(stored(file), numbers(3))
    writer.commit([batch(3, 1)])
    assert.deepEqual(stored(file), numbers(4), 'what is small enough still fits')
    db.exec('pragma max_page_count = 100000')
    writer.commit([batch(4, 200, 5000)])
    assert.deepEqual(stored(file), numbers(204))
  }))

test('a new segment that did not fit is not remembered', () =>
  onWriter({ segmentBytes: 5000 }, ({ db, file, writer }) => {
    writer.commit([batch(0, 3, 5000)])
    db.exec('pragma max_page_count = 20')
    assert.throws(() => writer.commit([batch(3, 100, 5000)]), { code: 'disk_full' })
    db.exec('pragma max_page_count = 100000')
    writer.commit([batch(3, 2, 5000)])
    writer.commit([batch(5, 1)])
    assert.deepEqual(stored(file), numbers(6))
  }))

test('a segment that is filled and left within one commit keeps all its events', () =>
  onWriter({ segmentBytes: 10_000 }, ({ file, writer }) => {
    const batches = Array.from({ length: 40 }, (_, n) => batch(n, 1, 3000))
    const { failures } = writer.commit(batches)
    assert.deepEqual(
      failures.filter((f) => f),
      [],
    )
    assert.deepEqual(stored(file), numbers(40))
    writer.commit([batch(40, 1)])
    assert.deepEqual(stored(file), numbers(41))
  }))

test('a writer that was replaced without noticing changes nothing', () =>
  onWriter({}, ({ file, writer, another }) => {
    writer.commit([batch(0, 1)])
    const { writer: next } = another()
    assert.throws(() => writer.commit([batch(1, 1)]), { code: 'fenced' })
    assert.throws(() => writer.change((readers) => readers.register({ subscription: 'a', store: 'b', marks: {} })), {
      code: 'fenced',
    })
    assert.throws(() => writer.endTerm(true), { code: 'fenced' })
    next.commit([batch(1, 2)])
    assert.deepEqual(stored(file), numbers(3))
  }))

test('the writer knows whether the last one left with nobody else connected', () =>
  onWriter({}, ({ writer, another }) => {
    writer.endTerm(true)
    const second = another()
    assert.equal(second.clean, true)
    const third = another()
    assert.equal(third.clean, false, 'the second began and did not end')
    third.writer.endTerm(false)
    assert.equal(another().clean, false, 'others were still there')
  }))

test('what was acknowledged is saved when the writer leaves', () =>
  onWriter({}, ({ file, writer }) => {
    writer.change((readers) => readers.register({ subscription: 'a', store: 'b', marks: { s: 1 } }))
    writer.readers.acknowledge({ a: { s: 5 } })
    const reader = new Reader(file)
    assert.deepEqual(reader.summary().readers[0]?.marks, { s: 1 })
    writer.endTerm(true)
    assert.deepEqual(reader.summary().readers[0]?.marks, { s: 5 })
    reader.close()
  }))

test('what was acknowledged outlives a commit that failed, and what was registered in it does not', () =>
  onWriter({}, ({ db, writer }) => {
    writer.change((readers) => readers.register({ subscription: 'a', store: 'b', marks: { s: 1 } }))
    writer.readers.acknowledge({ a: { s: 5 } })
    db.exec('pragma query_only = 1')
    const register = () =>
      writer.change((readers) => readers.register({ subscription: 'c', store: 'd', marks: { s: 0 } }))
    assert.throws(register, { code: 'io_error' })
    db.exec('pragma query_only = 0')
    assert.equal(writer.readers.lowestMark('s'), 5)
    assert.equal(writer.readers.unsaved, true)
  }))

test('a term that could not begin begins with the first commit that can', () =>
  onWriter({}, ({ db, file, writer, another }) => {
    another().writer.commit([batch(0, 2)])
    db.exec('pragma query_only = 1')
    assert.throws(() => writer.beginTerm(), { code: 'io_error' })
    assert.throws(() => writer.commit([batch(2, 1)]), { code: 'io_error' })
    db.exec('pragma query_only = 0')
    writer.commit([batch(2, 1)])
    assert.deepEqual(stored(file), numbers(3))
  }))

test('a commit is one transaction: death in between leaves nothing of it', () => {
  let die = false
  const crash = () => {
    if (die) throw new Error('the power went')
  }
  onWriter({ crash }, ({ file, writer }) => {
    writer.commit([batch(0, 2)])
    die = true
    assert.throws(() => writer.commit([batch(2, 1), batch(3, 1)]))
    die = false
    assert.deepEqual(stored(file), numbers(2))
    writer.commit([batch(2, 1)])
    assert.deepEqual(stored(file), numbers(3))
  })
})

test('positions are never used twice, even when everything was dropped', () =>
  onWriter({ retention: { ageMs: 1000, bytes: Number.POSITIVE_INFINITY } }, ({ file, clock, writer, another }) => {
    writer.commit([batch(0, 5), batch(5, 2, 0, 't')])
    clock.jump(5000)
    while (writer.retain(false)) {}
    const reader = new Reader(file)
    const { head, streams } = reader.summary()
    assert.equal(head, 8)
    assert.deepEqual(
      streams.map(({ first, next, events }) => [first, next, events]),
      [
        [6, 6, 0],
        [8, 8, 0],
      ],
    )
    assert.throws(() => reader.read('s', 1, { events: 1, bytes: 1 }), { code: 'position_lost' })
    writer.commit([batch(last, 1)])
    another().writer.commit([batch(last, 1)])
    assert.deepEqual(
      reader.read('s', 6, { events: 9, bytes: 1e6 }).events.map((e) => e.position),
      [8, 9],
    )
    reader.close()
  }))

test('nothing is dropped while deletion is suspended', () =>
  onWriter({ retention: { ageMs: 1000, bytes: 1 } }, ({ file, clock, writer }) => {
    writer.commit([batch(0, 5)])
    clock.jump(3_600_000)
    assert.equal(writer.retain(true), false)
    assert.deepEqual(stored(file), numbers(5))
  }))

test('dropped segments give their space back to the file system', () =>
  onWriter({ retention: { ageMs: 1000, bytes: Number.POSITIVE_INFINITY } }, ({ file, clock, writer }) => {
    for (let n = 0; n < 10; n++) writer.commit([batch(n * 100, 100, 1000)])
    const reader = new Reader(file)
    writer.checkpoint(true)
    const full = reader.summary().diskBytes
    const { used } = writer
    clock.jump(5000)
    while (writer.retain(false)) {}
    assert.ok(writer.used < used / 5, 'free at once for what comes next')
    while (writer.vacuum()) {}
    writer.checkpoint(true)
    const file2 = reader.summary()
    assert.ok(file2.diskBytes < full, `${file2.diskBytes} of ${full} bytes`)
    reader.close()
  }))

test('the news of a commit is what each stream grew by, and nothing when it is much', () =>
  onWriter({ segmentBytes: 500 }, ({ writer, db }) => {
    writer.commit([batch(0, 2)])
    const batches = [batch(2, 1, 600), { ...batch(0, 3, 0, 't'), producer: 'q' }, batch(3, 2), batch(3, 2)]
    const term = db.prepare("select number || '.' || token as term from incarnation").get()?.term
    assert.deepEqual(writer.commit(batches).news, [
      {
        stream: 's',
        after: 3,
        until: 9,
        rows: [
          [3, 1, batches[0]?.frame],
          [7, 2, batches[2]?.frame],
        ],
        term,
      },
      { stream: 't', after: 3, until: 9, rows: [[4, 3, batches[1]?.frame]], term },
    ])
    const { news, streams } = writer.commit([batch(5, 1, 20_000)])
    assert.deepEqual([news, streams], [[], ['s']])
    assert.deepEqual(
      writer.commit([batch(6, 1)]).news.map(({ after, until }) => [after, until]),
      [[10, 11]],
    )
  }))

test('a size limit counts all that the commits before wrote, and what retention gave back', () => {
  const maxBytes = 400_000
  const retention = { ageMs: 1000, bytes: Number.POSITIVE_INFINITY }
  onWriter({ maxBytes, retention, segmentBytes: 50_000 }, ({ clock, writer }) => {
    let written = 0
    const fill = (): number => {
      const before = written
      while (written - before < 200) {
        const one = batch(written, 1, 3000)
        const fits = one.frame.length <= maxBytes - writer.used
        assert.equal(writer.commit([one]).failures[0]?.code, fits ? undefined : 'overloaded')
        if (!fits) break
        written++
      }
      return written - before
    }
    const first = fill()
    assert.ok(first > 60 && first < 200 && writer.used <= maxBytes + 16_384, `${first} events in ${writer.used} bytes`)
    clock.jump(5000)
    while (writer.retain(false)) {}
    assert.ok(fill() > first / 2)
  })
})
