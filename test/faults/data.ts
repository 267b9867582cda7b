import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'

const month = fileURLToPath(new URL('../../examples/shop/data/online-retail-2010-12.csv.gz', import.meta.url))

/** Rows of the month. */
export const rowsOfMonth = 42_481

/** Writes a file of so many rows: the month's first, or the month over and over. Every row is a fact of its own. */
export function writeRows(file: string, rows: number): void {
  const [header, ...lines] = gunzipSync(readFileSync(month)).toString().trimEnd().split('\n')
  const chosen = Array.from({ length: rows }, (_, n) => lines[n % lines.length])
  writeFileSync(file, `${header}\n${chosen.join('\n')}\n`)
}
