import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LineReader } from './lines.ts'
import { Malformed } from './messages.ts'

const read = (reader: LineReader, bytes: Buffer | string): string[] => [...reader.read(Buffer.from(bytes))]

describe('lines', () => {
  test('come out whole, however they come in', () => {
    const text = 'one\n\nzwölf\n{"a":1}\nres'
    for (let size = 1; size <= text.length + 2; size++) {
      const reader = new LineReader(100)
      const bytes = Buffer.from(text)
      const lines: string[] = []
      for (let at = 0; at < bytes.length; at += size) lines.push(...reader.read(bytes.subarray(at, at + size)))
      lines.push(...read(reader, 't\n'))
      assert.deepEqual(lines, ['one', '', 'zwölf', '{"a":1}', 'rest'])
    }
  })

  test('that are too long are refused before they are kept, whole or not', () => {
    const reader = new LineReader(4)
    assert.deepEqual(read(reader, '1234\n123'), ['1234'])
    assert.throws(() => read(reader, '45'), Malformed)
    assert.throws(() => read(new LineReader(4), '12345\n'), Malformed)
  })

  test('that are no UTF-8 are refused', () => {
    assert.throws(() => read(new LineReader(10), Buffer.from([0x22, 0xff, 0x22, 0x0a])), Malformed)
  })
})
