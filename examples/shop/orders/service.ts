import { service } from 'skerry'
import { Carts } from '../carts/contract.ts'
import { Retail } from '../retail/contract.ts'
import { Shopper } from '../shopper/contract.ts'
import { cancel, place, view } from './calls/answer.ts'
import { cancelAtTheTill, cancelLines } from './cancel.ts'
import { Orders } from './contract.ts'
import { createOrder } from './create.ts'

export const orders = service(Orders, { migrations: new URL('./migrations/', import.meta.url) })

orders
  .subscribe('orders', { from: 'start' })
  .on(Carts.checkedOut, createOrder)
  .on(Retail.cancelled, cancelAtTheTill)
  .on(Shopper.cancelled, cancelLines)

orders.serve(Orders.place, place).serve(Orders.cancel, cancel).serve(Orders.view, view)
