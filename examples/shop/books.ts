import { decimal } from './decimal.ts'

/** What a month comes to: the same from the plain fold and from the services, or something went wrong. */
export interface Books {
  readonly rows: number
  /** Distinct invoices, those that begin with C included. */
  readonly invoices: number
  readonly cancellations: number
  /** Rows with a negative quantity on an invoice without C. */
  readonly adjustments: number
  readonly customers: number
  /** In thousandths, as all values here. */
  readonly netValue: bigint
  readonly byDay: readonly Day[]
  readonly byStockCode: ReadonlyMap<string, bigint>
  readonly byCustomer: ReadonlyMap<string, bigint>
}

export interface Day {
  readonly day: string
  readonly orders: number
  readonly cancellations: number
  readonly lines: number
  readonly netValue: bigint
}

/** The three files that a run leaves, by name. */
export function filesOf(books: Books): Map<string, string> {
  const days = [...books.byDay].sort((a, b) => compare(a.day, b.day))
  return new Map([
    [
      'by-day.csv',
      csv(
        ['Day', 'Orders', 'Cancellations', 'Lines', 'NetValue'],
        days.map((d) => [d.day, d.orders, d.cancellations, d.lines, decimal(d.netValue)]),
      ),
    ],
    ['by-stockcode.csv', csv(['StockCode', 'NetQuantity'], sorted(books.byStockCode, String))],
    ['by-customer.csv', csv(['CustomerID', 'NetValue'], sorted(books.byCustomer, decimal))],
  ])
}

export function csv(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [header, ...rows].map((row) => `${row.map(field).join()}\n`).join('')
}

function field(value: string | number): string {
  const text = String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

function sorted(values: ReadonlyMap<string, bigint>, write: (value: bigint) => string): [string, string][] {
  return [...values].sort(([a], [b]) => compare(a, b)).map(([name, value]) => [name, write(value)])
}

/** By character code, whatever the machine's language: the files are compared byte by byte. */
function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
