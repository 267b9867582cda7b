import { service } from 'skerry'
import { Retail } from '../retail/contract.ts'
import { Shopper } from '../shopper/contract.ts'
import { add, checkOut as answerCheckOut, contentOf, remove, set } from './calls/answer.ts'
import { addToCart, removeFromCart, setInCart } from './change.ts'
import { checkOut, checkOutAtTheTill } from './check-out.ts'
import { Carts } from './contract.ts'

export const carts = service(Carts, { migrations: new URL('./migrations/', import.meta.url) })

carts
  .subscribe('carts', { from: 'start' })
  .on(Retail.sold, checkOutAtTheTill)
  .on(Shopper.added, addToCart)
  .on(Shopper.set, setInCart)
  .on(Shopper.removed, removeFromCart)
  .on(Shopper.checkedOut, checkOut)

carts
  .serve(Carts.add, add)
  .serve(Carts.set, set)
  .serve(Carts.remove, remove)
  .serve(Carts.checkOut, answerCheckOut)
  .serve(Carts.view, (tx, { input }) => contentOf(tx, input.cart))
