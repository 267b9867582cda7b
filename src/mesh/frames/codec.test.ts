import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  answerOf,
  encode,
  frameOf,
  headerBytes,
  helloOf,
  kinds,
  Malformed,
  nothing,
  type Outgoing,
  readAnswer,
  readHello,
  readRequest,
  requestOf,
} from './codec.ts'
import { FrameReader } from './reader.ts'

const payloadOf = (frame: Outgoing): Buffer => encode([frame]).subarray(headerBytes)
const taken = (reader: FrameReader, chunk: Buffer): unknown[] => {
  const frames: unknown[] = []
  reader.read(chunk, (...frame) => frames.push(frame))
  return frames
}

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
      assert.deepEqual(readRequest(payloadOf(requestOf(1, req))), req)
      assert.deepEqual(readAnswer(payloadOf(answerOf(1, ans))), ans)
    }),
  )
  const hello = { protocol: 'skerry/1', maxBytes: 1000, maxInFlight: 10 }
  assert.deepEqual(readHello(payloadOf(helloOf(hello))), hello)
})

test('frames are found again however the bytes are cut', () => {
  const frame = fc.tuple(fc.constantFrom(...Object.values(kinds)), number, body)
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 8 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 700 })),
      (frames, cuts) => {
        const bytes = encode(frames.map(([kind, n, payload]) => frameOf(kind, n, payload)))
        const reader = new FrameReader(2000)
        const found: unknown[] = []
        for (let at = 0; at < bytes.length; ) {
          const chunk = bytes.subarray(at, at + (cuts.next().value as number))
          at += chunk.length
          found.push(...taken(reader, chunk))
        }
        assert.deepEqual(found, frames)
        assert.ok(reader.between)
      },
    ),
  )
})

test('a frame that is too long is refused before it has come; a kind that nobody knows, too', () => {
  const reader = new FrameReader(100)
  const long = encode([frameOf(kinds.request, 1, Buffer.alloc(101))]).subarray(0, headerBytes)
  assert.throws(() => taken(reader, long), /101 bytes; at most 100/)
  const odd = encode([frameOf(kinds.request, 1)])
  odd[4] = 99
  assert.throws(() => taken(new FrameReader(100), odd), Malformed)
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
