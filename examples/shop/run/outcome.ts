import { type Books, filesOf } from '../books.ts'
import type { Folded } from '../fold.ts'
import { serviceNames } from '../services.ts'
import type { Shop } from './shop.ts'

/** What the services came to, held against the plain fold. */
export interface Outcome {
  readonly books: Books
  /** Files that differ from the fold's, and totals that do. */
  readonly differences: readonly string[]
  readonly lost: number
  readonly duplicateEffects: number
  readonly deadLetters: number
  readonly eventsPublished: number
  readonly eventsHandled: number
  readonly equal: boolean
}

export async function outcomeOf(shop: Shop, expected: Folded): Promise<Outcome> {
  const [users, carts, orders, inventory, ledger] = await Promise.all([
    shop.ask('users', 'report'),
    shop.ask('carts', 'report'),
    shop.ask('orders', 'report'),
    shop.ask('inventory', 'report'),
    shop.ask('ledger', 'report'),
  ])
  const reports = { users, carts, orders, inventory, ledger }
  const tallies = await Promise.all(serviceNames.map((name) => shop.ask(name, 'tally')))
  const { byDay, byCustomer, invoices, cancellations } = ledger
  const { byStockCode, adjustments } = inventory
  const { customers } = users
  const netValue = byDay.reduce((sum, day) => sum + day.netValue, 0n)
  const rows = byDay.reduce((sum, day) => sum + day.lines, 0)
  const books: Books = {
    ...{ rows, invoices, cancellations, adjustments, customers, netValue },
    ...{ byDay, byStockCode, byCustomer },
  }
  const lost = sum(serviceNames.map((name) => expected.facts[name] - reports[name].lines))
  const duplicateEffects = sum(serviceNames.map((name) => reports[name].facts - reports[name].lines))
  const deadLetters = sum(tallies.map((tally) => tally.deadLetters))
  const differences = differencesOf(books, expected.books)
  return {
    books,
    differences,
    lost,
    duplicateEffects,
    deadLetters,
    eventsPublished: expected.books.rows + carts.facts + orders.facts + adjustments + customers,
    eventsHandled: sum(tallies.map((tally) => tally.handled)),
    equal: differences.length === 0 && lost === 0 && duplicateEffects === 0 && deadLetters === 0,
  }
}

export const totals = ['rows', 'invoices', 'cancellations', 'adjustments', 'customers', 'netValue'] as const

function differencesOf(books: Books, expected: Books): string[] {
  const files = filesOf(books)
  return [
    ...totals.filter((total) => books[total] !== expected[total]),
    ...[...filesOf(expected)].filter(([name, text]) => files.get(name) !== text).map(([name]) => name),
  ]
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0)
}
