import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { CsvReader, type CsvRow, longestRow, readCsv } from './csv.ts'

function read(...pieces: string[]): CsvRow[] {
  const reader = new CsvReader()
  return [...pieces.flatMap((piece) => reader.push(piece)), ...reader.end()]
}

/** Cuts a text at the given places, so that a row, a quote or a CRLF may straddle two pieces. */
function cut(text: string, places: readonly number[]): string[] {
  const at = [0, ...places.map((p) => p % (text.length + 1)).sort((a, b) => a - b), text.length]
  return at.slice(1).map((end, i) => text.slice(at[i], end))
}

const field = fc.string({ unit: fc.constantFrom('a', 'é', ' ', ',', '"', '\n', '\r\n', '0'), maxLength: 6 })
const written = fc.record({
  fields: fc.array(fc.record({ value: field, quoted: fc.boolean() }), { minLength: 1, maxLength: 5 }),
  lineEnd: fc.constantFrom('\n', '\r\n'),
  emptyLinesBefore: fc.nat(2),
})
type Written = { fields: { value: string; quoted: boolean }[]; lineEnd: string; emptyLinesBefore: number }

function write({ fields, lineEnd, emptyLinesBefore }: Written): string {
  const texts = fields.map(({ value, quoted }) => {
    const must = quoted || fields.length === 1 || /[",\n\r]/.test(value)
    return must ? `"${value.replaceAll('"', '""')}"` : value
  })
  return lineEnd.repeat(emptyLinesBefore) + texts.join(',') + lineEnd
}

test('whatever is written by the rules of RFC 4180 is read back, with its line, in pieces of any size', () => {
  fc.assert(
    fc.property(fc.array(written), fc.array(fc.nat()), fc.boolean(), (rows, places, lastEnd) => {
      let text = rows.map(write).join('')
      if (!lastEnd) text = text.replace(/\r?\n$/, '')
      let line = 1
      const expected = rows
        .map((row) => {
          const starts = line + row.emptyLinesBefore
          line += write(row).split('\n').length - 1
          return { line: starts, fields: row.fields.map((f) => f.value) }
        })
        .filter(({ fields }) => fields.length > 1 || fields[0] !== '')
      assert.deepEqual(read(...cut(text, places)), expected)
    }),
    { numRuns: 1000 },
  )
})

test('text without rules never stops the reader, never loses a later good row, and pieces make no difference', () => {
  const noise = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r'), maxLength: 30 })
  fc.assert(
    fc.property(noise, fc.array(fc.nat()), (text, places) => {
      const whole = read(text)
      assert.deepEqual(read(...cut(text, places)), whole)
      const lines = whole.map((row) => row.line)
      assert.deepEqual(
        lines,
        [...new Set(lines)].sort((a, b) => a - b),
      )
      if (!text.includes('"')) return
      const after = read(`${text}\n"x","y"\nlast,row\n`).at(-1)
      assert.ok(after && 'fields' in after && after.fields.join().endsWith('row'), JSON.stringify(after))
    }),
    { numRuns: 3000 },
  )
})

test('a malformed row costs its first line only', () => {
  assert.deepEqual(read('a,b\n"never closed,1\nc,"d, e"\nf"g,h\n"i"j,k\nl,m'), [
    { line: 1, fields: ['a', 'b'] },
    { line: 2, malformed: 'text after a closing quote' },
    { line: 3, fields: ['c', 'd, e'] },
    { line: 4, malformed: 'quote inside a field without quotes' },
    { line: 5, malformed: 'text after a closing quote' },
    { line: 6, fields: ['l', 'm'] },
  ])
  assert.deepEqual(read('"never closed\nc,d\n'), [
    { line: 1, malformed: 'quote never closed' },
    { line: 2, fields: ['c', 'd'] },
  ])
})

test('neither a line without end nor a quote without end is kept in memory', () => {
  const long = 'x'.repeat(longestRow)
  assert.deepEqual(read('a,b\n', long, long, long, 'x\nc,d'), [
    { line: 1, fields: ['a', 'b'] },
    { line: 2, malformed: `row above ${longestRow} characters` },
    { line: 3, fields: ['c', 'd'] },
  ])
  const rows = read('"open\n', ...Array.from({ length: 20_000 }, () => '1,2,3\n'))
  assert.deepEqual(rows[0], { line: 1, malformed: `row above ${longestRow} characters` })
  assert.equal(rows.length, 20_001)
  assert.deepEqual(rows.at(-1), { line: 20_001, fields: ['1', '2', '3'] })
})

test('a file may be plain or gzipped, with or without a byte-order mark', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'shop-csv-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const text = `\uFEFFa,b\r\n${'1,"é"\r\n'.repeat(30_000)}`
  for (const [name, bytes] of [['plain', Buffer.from(text)] as const, ['packed', gzipSync(text)] as const]) {
    writeFileSync(join(folder, name), bytes)
    const rows: CsvRow[] = []
    for await (const some of readCsv(join(folder, name))) rows.push(...some)
    assert.equal(rows.length, 30_001)
    assert.deepEqual(rows[0], { line: 1, fields: ['a', 'b'] })
    assert.deepEqual(rows.at(-1), { line: 30_001, fields: ['1', 'é'] })
  }
  writeFileSync(join(folder, 'cut'), gzipSync(text).subarray(0, 100))
  await assert.rejects(async () => {
    for await (const _ of readCsv(join(folder, 'cut')));
  }, /unexpected end of file/)
  await assert.rejects(async () => {
    for await (const _ of readCsv(join(folder, 'absent')));
  }, /ENOENT/)
})
