import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  headerBytes,
  kinds,
  Malformed,
  nothing,
  readAnswer,
  readHello,
  readRequest,
  writeAnswer,
  writeFrame,
  writeHello,
  writeRequest,
} from './codec.ts'
import { FrameReader } from './reader.ts'

const text = fc.string({ unit: 'binary' })
const headers = fc.dictionary(fc.string({ unit: 'grapheme', minLength: 1 }), text, { noNullPrototype: true })
const body = fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes))
const number = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const plain = { noNullPrototype: true } as const
const request = fc.record({ method: text, path: text.map((path) => `/${path}`), headers, body }, plain)
const answer = fc.record({ status: fc.integer({ min: 200, max: 599 }), headers, body }, plain)

test('requests, answers and greetings come out as they went in', () => {
  fc.assert(
    fc.property(request, answer, (req, ans) => {
      assert.deepEqual(readRequest(writeRequest(1, req).subarray(headerBytes)), req)
      assert.deepEqual(readAnswer(writeAnswer(1, ans).subarray(headerBytes)), ans)
    }),
  )
  const hello = { protocol: 'skerry/1', maxBytes: 1000, maxInFlight: 10 }
  assert.deepEqual(readHello(writeHello(hello).subarray(headerBytes)), hello)
})

test('frames are found again however the bytes are cut', () => {
  const frame = fc.tuple(fc.constantFrom(...Object.values(kinds)), number, body)
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 8 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 700 })),
      (frames, cuts) => {
        const bytes = Buffer.concat(frames.map(([kind, n, payload]) => writeFrame(kind, n, payload)))
        const reader = new FrameReader(2000)
        const found: unknown[] = []
        for (let at = 0; at < bytes.length; ) {
          const chunk = bytes.subarray(at, at + (cuts.next().value as number))
          at += chunk.length
          for (const one of reader.read(chunk)) found.push([one.kind, one.number, one.payload])
        }
        assert.deepEqual(found, frames)
        assert.ok(reader.between)
      },
    ),
  )
})

test('a frame that is too long is refused before it has come; a kind that nobody knows, too', () => {
  const reader = new FrameReader(100)
  const long = writeFrame(kinds.request, 1, Buffer.alloc(101)).subarray(0, headerBytes)
  assert.throws(() => [...reader.read(long)], /101 bytes; at most 100/)
  const odd = writeFrame(kinds.request, 1)
  odd[4] = 99
  assert.throws(() => [...new FrameReader(100).read(odd)], Malformed)
})

test('heads that are cut short, no UTF-8, no JSON or of another shape are refused, and random bytes never do harm', () => {
  const message = (head: string | Buffer, claimed = head.length): Buffer => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(claimed)
    return Buffer.concat([length, Buffer.from(head)])
  }
  const wrong = [
    nothing,
    message('["GET","/",{}]', 100),
    message('["GET","/",{}'),
    message('null'),
    message('["GET","/"]'),
    message('["GET","x",{}]'),
    message('["GET","/",{"a":1}]'),
    message('["GET","/",[]]'),
    message(Buffer.from([0x22, 0xff, 0x22])),
  ]
  for (const payload of wrong) assert.throws(() => readRequest(payload), Malformed)
  for (const head of ['[199,{}]', '[600,{}]', '["200",{}]', '[200]'])
    assert.throws(() => readAnswer(message(head)), Malformed)
  for (const hello of ['null', '{}', '{"protocol":"http/1.1"}', '{"protocol":"skerry/1","maxBytes":0,"maxInFlight":1}'])
    assert.throws(() => readHello(Buffer.from(hello)), Malformed)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      for (const read of [readRequest, readAnswer, readHello]) {
        try {
          read(Buffer.from(bytes))
        } catch (error) {
          assert.ok(error instanceof Malformed)
        }
      }
    }),
  )
})
