import { service } from 'skerry'
import { Inventory } from '../inventory/contract.ts'
import { Orders } from '../orders/contract.ts'
import { book } from './book.ts'
import { Ledger } from './contract.ts'

export const ledger = service(Ledger, { migrations: new URL('./migrations/', import.meta.url), projection: true })

ledger
  .subscribe('books', { from: 'start' })
  .on(Orders.placed, (tx, { data }) => book(tx, 'order', data.order, data))
  .on(Orders.cancelled, (tx, { data }) => book(tx, 'cancellation', data.cancellation, data))
  // An adjustment has an invoice like any order.
  .on(Inventory.adjusted, (tx, { data }) => book(tx, 'order', data.adjustment, data))
