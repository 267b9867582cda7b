import type { Books, Day } from './books.ts'
import { kindOf, type Rejected, type RetailRow, readRows } from './retail/row.ts'

/**
 * The plain answer: one pass over the file, no events, no services, nothing but additions. What the services come to
 * is held against this.
 */
export async function fold(path: string): Promise<Folded> {
  const rejected: Rejected[] = []
  const sums = new Sums()
  for await (const rows of readRows(path, (row) => rejected.push(row))) for (const row of rows) sums.add(row)
  return { books: sums.books(), facts: sums.facts, rejected }
}

export interface Folded {
  readonly books: Books
  /** How many rows must have had an effect in each service. */
  readonly facts: Readonly<Record<Having, number>>
  readonly rejected: readonly Rejected[]
}

/** The services in which rows have effects. */
export type Having = 'users' | 'carts' | 'orders' | 'inventory' | 'ledger'

class Sums {
  readonly facts = { users: 0, carts: 0, orders: 0, inventory: 0, ledger: 0 }
  #rows = 0
  #adjustments = 0
  #netValue = 0n
  readonly #invoices = new Set<string>()
  readonly #days = new Map<string, { invoices: Set<string>; lines: number; netValue: bigint }>()
  readonly #stockCodes = new Map<string, bigint>()
  readonly #customers = new Map<string, bigint>()

  add(row: RetailRow): void {
    const value = BigInt(row.quantity) * BigInt(row.unitPrice)
    this.#rows++
    this.#netValue += value
    this.#invoices.add(row.invoice)
    this.#count(row)
    const name = row.at.slice(0, 10)
    const day = this.#days.get(name) ?? { invoices: new Set(), lines: 0, netValue: 0n }
    this.#days.set(name, day)
    day.invoices.add(row.invoice)
    day.lines++
    day.netValue += value
    addTo(this.#stockCodes, row.stockCode, BigInt(row.quantity))
    if (row.customer !== null) addTo(this.#customers, row.customer, value)
  }

  #count(row: RetailRow): void {
    const kind = kindOf(row)
    if (row.customer !== null) this.facts.users++
    if (kind === 'sold') this.facts.carts++
    if (kind === 'adjusted') this.#adjustments++
    else this.facts.orders++
    this.facts.inventory++
    this.facts.ledger++
  }

  books(): Books {
    const byDay = [...this.#days].map(([day, { invoices, lines, netValue }]): Day => {
      const cancellations = countCancellations(invoices)
      return { day, orders: invoices.size - cancellations, cancellations, lines, netValue }
    })
    return {
      rows: this.#rows,
      invoices: this.#invoices.size,
      cancellations: countCancellations(this.#invoices),
      adjustments: this.#adjustments,
      customers: this.#customers.size,
      netValue: this.#netValue,
      byDay,
      byStockCode: this.#stockCodes,
      byCustomer: this.#customers,
    }
  }
}

function addTo(sums: Map<string, bigint>, name: string, value: bigint): void {
  sums.set(name, (sums.get(name) ?? 0n) + value)
}

function countCancellations(invoices: ReadonlySet<string>): number {
  return [...invoices].filter((invoice) => invoice.startsWith('C')).length
}
