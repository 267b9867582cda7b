import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]
type Stream = NodeJS.WriteStream

/** Prints for a person on a terminal, and plainly into a pipe. */
export class Output {
  readonly json: boolean
  readonly #out: Stream
  readonly #err: Stream
  #closed = false
  #drawn = false

  constructor(json: boolean, out: Stream = process.stdout, err: Stream = process.stderr) {
    this.json = json
    this.#out = out
    this.#err = err
    // Whoever read us has gone: nothing is left to be said, and that is no failure.
    const closed = (): void => {
      this.#closed = true
    }
    for (const stream of [out, err]) stream.on('error', closed)
  }

  /** False once nobody reads any more. */
  get open(): boolean {
    return !this.#closed
  }

  /** Resolves when there is room for more. */
  async line(text: string): Promise<void> {
    this.clear()
    if (this.#closed || this.#out.write(`${text}\n`)) return
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#out.off('drain', done).off('close', done).off('error', done)
        resolve()
      }
      this.#out.on('drain', done).on('close', done).on('error', done)
    })
  }

  data(value: unknown): Promise<void> {
    return this.line(JSON.stringify(value))
  }

  /** Says something that is not the result. */
  note(text: string): void {
    this.clear()
    this.#err.write(`${text}\n`)
  }

  /** Columns for a person, tabs for a program. */
  async table(headers: readonly string[], rows: readonly (readonly (string | number)[])[]): Promise<void> {
    const text = rows.map((row) => row.map(String))
    if (!this.#out.isTTY) {
      for (const row of [headers, ...text]) await this.line(row.join('\t'))
      return
    }
    const widths = headers.map((header, i) => Math.max(header.length, ...text.map((row) => row[i]?.length ?? 0)))
    const aligned = (row: readonly string[]): string =>
      row.map((cell, i) => (isNumber(rows, i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join('  ')
    await this.line(this.style('bold', aligned(headers)))
    for (const row of text) await this.line(aligned(row).trimEnd())
  }

  /** Colours on a terminal only, and never where NO_COLOR forbids it. */
  style(style: Style, text: string): string {
    return this.#out.isTTY ? styleText(style, text, { stream: this.#out }) : text
  }

  /** Draws how far a long work is, on a terminal only. `total` 0 when nobody knows. */
  progress(what: string, done: number, total: number): void {
    if (!this.#err.isTTY || this.json) return
    this.#drawn = true
    this.#err.write(`\r\x1b[2K${progressLine(what, done, total, this.#err.columns ?? 80)}`)
  }

  clear(): void {
    if (this.#drawn) this.#err.write('\r\x1b[2K')
    this.#drawn = false
  }
}

function isNumber(rows: readonly (readonly (string | number)[])[], column: number): boolean {
  return rows.length > 0 && rows.every((row) => typeof row[column] === 'number')
}

export function progressLine(what: string, done: number, total: number, columns: number): string {
  if (total <= 0) return `${what}  ${count(done)}`.slice(0, columns - 1)
  const share = Math.min(1, done / total)
  const figures = `${count(done)} of ${count(total)}  ${String(Math.floor(share * 100)).padStart(3)} %`
  const width = Math.max(0, Math.min(30, columns - what.length - figures.length - 6))
  const full = Math.round(share * width)
  return `${what}  ${'█'.repeat(full)}${'░'.repeat(width - full)}  ${figures}`.slice(0, columns - 1)
}

/** 1234567 as `1,234,567`. */
export function count(n: number): string {
  return String(n).replaceAll(/\B(?=(?:\d{3})+$)/g, ',')
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** 1536 as `1.5 KiB`. */
export function bytes(n: number): string {
  const power = n < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(n) / 10))
  const value = n / 1024 ** power
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`
}
