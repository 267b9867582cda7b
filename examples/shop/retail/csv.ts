import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'

/** One row of a CSV file, with the number of the line on which it starts; the first line is 1. */
export type CsvRow =
  | { readonly line: number; readonly fields: readonly string[] }
  | { readonly line: number; readonly malformed: string }

/** Longest row, in characters. A quote that is never closed must not swallow the rest of the file. */
export const longestRow = 64 * 1024

/** The rows of a file, plain or gzipped, a few hundred at a time, in constant memory. Throws when it cannot be read. */
export async function* readCsv(path: string): AsyncGenerator<CsvRow[]> {
  const reader = new CsvReader()
  const decoder = new TextDecoder()
  for await (const bytes of plainBytes(path)) {
    const rows = reader.push(decoder.decode(bytes, { stream: true }))
    if (rows.length > 0) yield rows
  }
  const last = [...reader.push(decoder.decode()), ...reader.end()]
  if (last.length > 0) yield last
}

/** Knows gzip by its first two bytes, not by the file's name. */
async function* plainBytes(path: string): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { start: 0, end: 1 })
  const magic: Buffer[] = []
  for await (const bytes of file) magic.push(bytes as Buffer)
  const source = createReadStream(path)
  if (Buffer.concat(magic).toString('hex') !== '1f8b') return yield* source
  // A broken source must break the reader of the other end, which `pipe` alone does not do.
  const gunzip = createGunzip()
  source.on('error', (error) => gunzip.destroy(error))
  yield* source.pipe(gunzip)
}

/**
 * RFC 4180 in pieces of any size: fields in quotes may hold commas, line ends and doubled quotes; rows end in LF or
 * CRLF; empty lines are skipped. A malformed row costs its first line only: reading resumes on the next one.
 */
export class CsvReader {
  #text = ''
  #line = 1
  /** Inside a line that was too long to keep: everything up to its end is dropped. */
  #skipping = false

  /** Takes the next piece of text and gives the rows that are complete now. */
  push(piece: string): CsvRow[] {
    this.#text += piece
    if (this.#skipping) this.#skip()
    return this.#take(false)
  }

  /** Gives what is left: a last row without a line end. */
  end(): CsvRow[] {
    return this.#take(true)
  }

  #take(final: boolean): CsvRow[] {
    const rows: CsvRow[] = []
    const text = this.#text
    let at = 0
    while (at < text.length) {
      let read = readRow(text, at, final)
      if (read === 'incomplete' && !final && text.length - at <= longestRow) break
      if (read === 'incomplete')
        read = { malformed: final ? 'quote never closed' : `row above ${longestRow} characters` }
      if ('fields' in read) {
        if (read.fields.length > 1 || read.fields[0] !== '') rows.push({ line: this.#line, fields: read.fields })
        this.#line += read.lines
        at = read.end
      } else {
        const feed = text.indexOf('\n', at)
        if (feed < 0 && !final && text.length - at <= longestRow) break
        rows.push({ line: this.#line, malformed: read.malformed })
        this.#skipping = feed < 0
        this.#line += feed < 0 ? 0 : 1
        at = feed < 0 ? text.length : feed + 1
      }
    }
    this.#text = text.slice(at)
    return rows
  }

  #skip(): void {
    const feed = this.#text.indexOf('\n')
    this.#text = feed < 0 ? '' : this.#text.slice(feed + 1)
    this.#skipping = feed < 0
    this.#line += feed < 0 ? 0 : 1
  }
}

interface Malformed {
  readonly malformed: string
}
type Read = { readonly fields: string[]; readonly end: number; readonly lines: number } | Malformed | 'incomplete'

/** The row that starts at `start`. `incomplete` when the text ends before the row does. */
function readRow(text: string, start: number, final: boolean): Read {
  const feed = text.indexOf('\n', start)
  if (feed < 0 && !final) return 'incomplete'
  const end = feed < 0 ? text.length : feed
  const line = text.slice(start, end > start && text[end - 1] === '\r' ? end - 1 : end)
  if (line.includes('"')) return readQuotedRow(text, start, final)
  return { fields: line.split(','), end: end + 1, lines: 1 }
}

/** Field by field: only rows with a quote in their first line come here. */
function readQuotedRow(text: string, start: number, final: boolean): Read {
  const fields: string[] = []
  let lines = 1
  let at = start
  for (;;) {
    const field = text[at] === '"' ? quotedField(text, at) : bareField(text, at)
    if (field === 'incomplete' || 'malformed' in field) return field
    const { value, end } = field
    fields.push(value)
    for (let feed = value.indexOf('\n'); feed >= 0; feed = value.indexOf('\n', feed + 1)) lines++
    if (text[end] === ',') at = end + 1
    else if (text[end] === '\n') return { fields, end: end + 1, lines }
    else if (text.startsWith('\r\n', end)) return { fields, end: end + 2, lines }
    else return final ? { fields, end: text.length, lines } : 'incomplete'
  }
}

/** `end` is where the comma, the line end, or the end of the text is. */
type Field = { readonly value: string; readonly end: number } | Malformed | 'incomplete'

function quotedField(text: string, start: number): Field {
  let value = ''
  for (let from = start + 1; ; ) {
    const quote = text.indexOf('"', from)
    if (quote < 0) return 'incomplete'
    value += text.slice(from, quote)
    const end = quote + 1
    if (text[end] !== '"') return /^(,|\r?\n|\r?$)/.test(text.slice(end, end + 2)) ? { value, end } : afterQuote
    value += '"'
    from = end + 1
  }
}

const afterQuote: Malformed = { malformed: 'text after a closing quote' }

function bareField(text: string, start: number): Field {
  let end = start
  while (end < text.length && text[end] !== ',' && text[end] !== '\n') end++
  if (text[end] !== ',' && end > start && text[end - 1] === '\r') end--
  const value = text.slice(start, end)
  return value.includes('"') ? { malformed: 'quote inside a field without quotes' } : { value, end }
}
