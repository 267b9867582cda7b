import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeFrame } from '../../frame.ts'
import { sample } from '../conformance/fixture.ts'
import { onWriter } from './desk.ts'
import type { Growth } from './protocol.ts'
import { Reader } from './reader.ts'

const appends = fc.array(fc.record({ stream: fc.constantFrom('s', 's', 't'), count: fc.integer({ min: 1, max: 9 }) }), {
  minLength: 1,
  maxLength: 25,
})

test('from any position, with nothing read before, reading gives the rest of the stream', () =>
  fc.assert(
    fc.property(
      appends,
      fc.array(fc.tuple(fc.nat(150), fc.integer({ min: 1, max: 30 })), { minLength: 3 }),
      (writes, reads) =>
        onWriter({ segmentBytes: 1500 }, ({ file, writer }) => {
          const positions: Record<string, number[]> = { s: [], t: [] }
          let head = 1
          for (const { stream, count } of writes) {
            const records = Array.from({ length: count }, (_, i) => sample(`${head + i}`))
            const frame = encodeFrame(records)
            writer.commit([{ stream, producer: 'p', after: head - 1, first: head, count, frame }])
            for (let i = 0; i < count; i++) positions[stream]?.push(head++)
          }
          for (const [from, events] of reads) {
            const reader = new Reader(file)
            assert.equal(
              reader.readOne('s', from)?.position,
              positions.s?.find((p) => p === from),
            )
            const got = { s: [] as number[], t: [] as number[] }
            for (const stream of ['s', 't'] as const)
              for (let at = from; ; ) {
                const chunk = reader.read(stream, at, { events, bytes: 1e6 })
                assert.ok(chunk.events.length <= events && chunk.next >= at)
                assert.ok(chunk.events.every((e) => e.record.id === `${e.position}` && e.stream === stream))
                got[stream].push(...chunk.events.map((e) => e.position))
                if (chunk.events.length === 0) break
                at = chunk.next
              }
            for (const stream of ['s', 't'] as const)
              assert.deepEqual(
                got[stream],
                positions[stream]?.filter((p) => p >= from),
              )
            assert.equal(
              reader.readOne('s', from)?.position,
              positions.s?.find((p) => p === from),
            )
            reader.close()
          }
        }),
    ),
    { numRuns: 30 },
  ))

test('a reader that had a segment open notices that it was dropped', () =>
  onWriter(
    { segmentBytes: 100, retention: { ageMs: 1000, bytes: Number.POSITIVE_INFINITY } },
    ({ file, clock, writer }) => {
      const append = (n: number) =>
        writer.commit([
          {
            stream: 's',
            producer: 'p',
            after: n - 1,
            first: n,
            count: 1,
            frame: encodeFrame([sample(`${n}`, 'x'.repeat(200))]),
          },
        ])
      append(1)
      append(2)
      const reader = new Reader(file)
      const credit = { events: 1, bytes: 1 }
      assert.equal(reader.read('s', 1, credit).events[0]?.position, 1)
      clock.jump(2000)
      while (writer.retain(false)) {}
      append(3)
      assert.throws(() => reader.read('s', 2, credit), { code: 'position_lost' })
      assert.equal(reader.readOne('s', 2), undefined)
      assert.equal(reader.read('s', 3, credit).events[0]?.position, 3)
      reader.close()
    },
  ))

type Step =
  | { readonly do: 'commit'; readonly stream: 's' | 't'; readonly count: number; readonly size: number }
  | { readonly do: 'replace' }
  | { readonly do: 'hear' | 'lose'; readonly which: number }
  | { readonly do: 'read'; readonly stream: 's' | 't'; readonly back: number; readonly most: number }

const someStream = fc.constantFrom('s' as const, 't' as const)
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constant('commit' as const),
      stream: someStream,
      count: fc.integer({ min: 1, max: 4 }),
      size: fc.constantFrom(0, 0, 0, 9000),
    }),
    // Mostly the oldest news first, as it comes; now and then late or lost.
    fc.record({
      do: fc.constantFrom('hear' as const, 'hear' as const, 'lose' as const),
      which: fc.constantFrom(0, 0, 0, 1, 2),
    }),
    fc.record({
      do: fc.constant('read' as const),
      stream: someStream,
      back: fc.constantFrom(0, 0, 0, 1, 5, 1000),
      most: fc.constantFrom(1, 3, 1000),
    }),
    fc.record({ do: fc.constant('replace' as const) }),
  ),
  { minLength: 5, maxLength: 60 },
)

test('whatever news arrives, is late, lost or repeated: a read gives what the log has, in order', () =>
  fc.assert(
    fc.property(steps, (all) =>
      onWriter({ segmentBytes: 3000 }, (desk) => {
        const reader = new Reader(desk.file)
        let { writer } = desk
        let head = 1
        const log: { stream: string; position: number; epoch: number }[] = []
        const news: Growth[] = []
        const next: Record<string, number> = { s: 0, t: 0 }
        for (const step of all) {
          if (step.do === 'replace') writer = desk.another().writer
          if (step.do === 'commit') {
            const { stream, count, size } = step
            const records = Array.from({ length: count }, (_, i) => sample(`${head + i}`, 'x'.repeat(size)))
            const common = { producer: 'p', after: head - 1, first: head, count, frame: encodeFrame(records) }
            news.push(...writer.commit([{ stream, ...common }]).news)
            for (let i = 0; i < count; i++) log.push({ stream, position: head++, epoch: writer.epoch })
          }
          if (step.do === 'hear' && news[step.which]) reader.take(news[step.which] as Growth)
          if (step.do === 'lose') news.splice(step.which, 1)
          if (step.do === 'read') {
            const { stream, back, most } = step
            const from = Math.max(0, (next[stream] ?? 0) - back)
            const chunk = reader.read(stream, from, { events: most, bytes: 1e6 })
            const there = log.filter((e) => e.stream === stream && e.position >= from)
            assert.deepEqual(
              chunk.events.map((e) => [e.stream, e.position, e.record.id]),
              there.filter((e) => e.position < chunk.next).map((e) => [stream, e.position, `${e.position}`]),
            )
            assert.ok(chunk.next >= from && chunk.events.length <= most)
            assert.ok(chunk.events.length > 0 || there.length === 0, 'it gives something when there is something')
            const newest = Math.max(0, ...there.slice(0, chunk.events.length).map((e) => e.epoch))
            assert.ok(Number.parseInt(chunk.term, 10) >= newest, 'the term is no older than the events')
            next[stream] = chunk.next
          }
        }
        reader.close()
      }),
    ),
    { numRuns: 60 },
  ))

test('a reader that has all before it takes news as it is, without the file', () =>
  onWriter({}, ({ file, writer, another }) => {
    const credit = { events: 9, bytes: 1e6 }
    const append = (by: typeof writer, stream: string, n: number) =>
      by.commit([{ stream, producer: 'p', after: n - 1, first: n, count: 1, frame: encodeFrame([sample(`${n}`)]) }])
    const reader = new Reader(file)
    append(writer, 's', 1)
    const { next } = reader.read('s', 0, credit)
    append(writer, 't', 2)
    const third = append(writer, 's', 3).news
    const fifth = append(another().writer, 's', 4).news
    for (const growth of [...third, ...fifth, ...third]) reader.take(growth)
    const { incarnations } = reader.lineage()
    reader.close()
    const chunk = reader.read('s', next, credit)
    assert.deepEqual(
      chunk.events.map((e) => e.position),
      [3, 4],
    )
    assert.equal(chunk.next, 5)
    assert.equal(chunk.term, incarnations.at(-1)?.token)
  }))

test('late news of an older writer does not make the term older', () =>
  onWriter({}, ({ file, writer, another }) => {
    const credit = { events: 9, bytes: 1e6 }
    const append = (by: typeof writer, stream: string, n: number) =>
      by.commit([{ stream, producer: 'p', after: n - 1, first: n, count: 1, frame: encodeFrame([sample(`${n}`)]) }])
    const reader = new Reader(file)
    append(writer, 's', 1)
    reader.read('s', 0, credit)
    const late = append(writer, 's', 2).news
    append(another().writer, 't', 3)
    const { term } = reader.read('t', 0, credit)
    for (const growth of late) reader.take(growth)
    assert.equal(reader.read('s', 2, credit).events[0]?.position, 2)
    assert.equal(reader.read('t', 0, credit).term, term)
    reader.close()
  }))

test('news that does not join, or cannot be read, is left to the file', () =>
  onWriter({}, ({ file, writer }) => {
    const credit = { events: 9, bytes: 1e6 }
    const append = (n: number, frame = encodeFrame([sample(`${n}`)])) =>
      writer.commit([{ stream: 's', producer: 'p', after: n - 1, first: n, count: 1, frame }]).news
    const reader = new Reader(file)
    append(1)
    reader.read('s', 0, credit)
    append(2)
    for (const growth of append(3)) reader.take(growth)
    assert.deepEqual(
      reader.read('s', 2, credit).events.map((e) => e.position),
      [2, 3],
    )
    for (const growth of append(4, 'no frame')) reader.take(growth)
    assert.throws(() => reader.read('s', 4, credit), { code: 'io_error' })
    reader.close()
  }))

test('after retention has dropped all of a stream, its news is for those who had come to the end of the bus', () =>
  onWriter({ retention: { ageMs: 1000, bytes: Number.POSITIVE_INFINITY } }, ({ file, clock, writer }) => {
    const credit = { events: 1, bytes: 1e6 }
    const append = (n: number) =>
      writer.commit([
        { stream: 's', producer: 'p', after: n - 1, first: n, count: 1, frame: encodeFrame([sample(`${n}`)]) },
      ]).news
    const reader = new Reader(file)
    append(1)
    append(2)
    assert.equal(reader.read('s', 0, credit).next, 2, 'it has read the first of two')
    clock.jump(5000)
    while (writer.retain(false)) {}
    for (const growth of append(3)) reader.take(growth)
    assert.throws(() => reader.read('s', 2, credit), { code: 'position_lost' })
    reader.close()
  }))

test('the term of a chunk is the newest, and no older than any of its events', () =>
  onWriter({}, ({ file, writer, another }) => {
    const reader = new Reader(file)
    const append = (by: typeof writer, n: number) =>
      by.commit([
        { stream: 's', producer: 'p', after: n - 1, first: n, count: 1, frame: encodeFrame([sample(`${n}`)]) },
      ])
    append(writer, 1)
    const first = reader.read('s', 0, { events: 9, bytes: 1e6 })
    append(another().writer, 2)
    const second = reader.read('s', first.next, { events: 9, bytes: 1e6 })
    assert.deepEqual(
      [first.term, second.term],
      reader.lineage().incarnations.map((i) => i.token),
    )
    reader.close()
  }))
