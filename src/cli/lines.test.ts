import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Line, lineBatches } from './lines.ts'

async function* parts(...chunks: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk
}

async function all(input: AsyncIterable<Uint8Array>, most = 100): Promise<Line[]> {
  const lines: Line[] = []
  for await (const batch of lineBatches(input, most)) lines.push(...batch)
  return lines
}

test('lines are the same however the input is cut', async () => {
  const text = '{"a":"ä"}\r\n\n{"b":"😀"}'
  const expected = [
    { number: 1, text: '{"a":"ä"}' },
    { number: 2, text: '' },
    { number: 3, text: '{"b":"😀"}' },
  ]
  const bytes = Buffer.from(text)
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(bytes.length)), async (cuts) => {
      const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length]
      const chunks = edges.slice(1).map((to, i) => bytes.subarray(edges[i], to))
      assert.deepEqual(await all(parts(...chunks)), expected)
    }),
  )
})

test('each batch is what one read brought', async () => {
  const batches: number[] = []
  for await (const batch of lineBatches(parts('a\nb\nc', '\n', 'd'), 10)) batches.push(batch.length)
  assert.deepEqual(batches, [2, 1, 1])
})

test('a line that is too long or no UTF-8 is told from the others', async () => {
  const lines = await all(parts('x'.repeat(11), 'yy\n', Buffer.from([0xff, 0x0a]), 'fine\n'), 10)
  assert.deepEqual(
    lines.map((line) => ('code' in line ? line.code : line.text)),
    ['event_too_large', 'invalid_event', 'fine'],
  )
})

test('a byte order mark is no part of the first line', async () => {
  assert.deepEqual(await all(parts('\ufeffa\n')), [{ number: 1, text: 'a' }])
})
