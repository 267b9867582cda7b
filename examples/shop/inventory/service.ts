import { service } from 'skerry'
import { Orders } from '../orders/contract.ts'
import { Retail } from '../retail/contract.ts'
import { adjustStock } from './adjust.ts'
import { stock } from './calls/answer.ts'
import { Inventory } from './contract.ts'
import { countSold } from './sell.ts'

export const inventory = service(Inventory, { migrations: new URL('./migrations/', import.meta.url) })

inventory
  .subscribe('stock', { from: 'start' })
  .on(Orders.placed, countSold)
  .on(Orders.cancelled, countSold)
  .on(Retail.adjusted, adjustStock)

inventory.serve(Inventory.stock, stock)
