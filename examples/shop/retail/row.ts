import { integer, lineValue, thousandths } from '../decimal.ts'
import { type CsvRow, readCsv } from './csv.ts'

/** What one row of the retailer's file says. Prices are in thousandths. */
export interface RetailRow {
  readonly invoice: string
  readonly stockCode: string
  readonly description: string
  readonly quantity: number
  readonly at: string
  readonly unitPrice: number
  readonly customer: string | null
  readonly country: string
}

export interface Rejected {
  readonly line: number
  readonly reason: string
}

export const columns = [
  'InvoiceNo',
  'StockCode',
  'Description',
  'Quantity',
  'InvoiceDate',
  'UnitPrice',
  'CustomerID',
  'Country',
] as const

/** A C invoice cancels; a negative quantity on any other one adjusts the stock; the rest is sold. */
export function kindOf(row: RetailRow): 'sold' | 'cancelled' | 'adjusted' {
  if (row.invoice.startsWith('C')) return 'cancelled'
  return row.quantity < 0 ? 'adjusted' : 'sold'
}

/**
 * The rows of a file in order, some at a time. A row that makes no sense is left out and told to `reject`; a file that
 * begins with another header is refused whole.
 */
export async function* readRows(path: string, reject: (row: Rejected) => void = () => {}): AsyncGenerator<RetailRow[]> {
  let headed = false
  for await (const read of readCsv(path)) {
    if (!headed) checkHeader(path, read.shift())
    headed = true
    const rows: RetailRow[] = []
    for (const csv of read) {
      const row = decode(csv)
      if (typeof row === 'string') reject({ line: csv.line, reason: row })
      else rows.push(row)
    }
    if (rows.length > 0) yield rows
  }
  if (!headed) checkHeader(path, undefined)
}

function checkHeader(path: string, header: CsvRow | undefined): void {
  const found = header && 'fields' in header ? header.fields.join() : ''
  if (found !== columns.join()) throw new Error(`${path}: its first line is not ${columns.join()}`)
}

/** The row, or the reason why it is none. */
function decode(csv: CsvRow): RetailRow | string {
  if ('malformed' in csv) return csv.malformed
  const { fields } = csv
  if (fields.length !== columns.length) return `${fields.length} fields instead of ${columns.length}`
  const [invoice, stockCode, description, quantityText, atText, priceText, customerText, country] = fields as Fields
  if (invoice === '') return 'InvoiceNo is empty'
  if (stockCode === '') return 'StockCode is empty'
  const quantity = integer(quantityText)
  if (quantity === undefined) return `Quantity '${quantityText}' is not a whole number`
  const at = shopTime(atText)
  if (at === undefined) return `InvoiceDate '${atText}' is not a time like 2010-12-01 08:26:00`
  const unitPrice = thousandths(priceText)
  if (unitPrice === undefined) return `UnitPrice '${priceText}' is not a number with at most three decimals`
  if (lineValue(quantity, unitPrice) === undefined) return 'Quantity × UnitPrice is too large to be exact'
  const customer = customerText.replace(/\.0+$/, '') || null
  return { invoice, stockCode, description, quantity, at, unitPrice, customer, country }
}

type Fields = [string, string, string, string, string, string, string, string]

function shopTime(text: string): string | undefined {
  if (!/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/.test(text)) return undefined
  const iso = text.replace(' ', 'T')
  const time = Date.parse(`${iso}Z`)
  // 30 February parses, as 2 March.
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(iso) ? text : undefined
}
