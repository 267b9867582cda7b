import * as cartQueries from './carts/query.ts'
import { carts } from './carts/service.ts'
import * as inventoryQueries from './inventory/query.ts'
import { inventory } from './inventory/service.ts'
import * as ledgerQueries from './ledger/query.ts'
import { ledger } from './ledger/service.ts'
import * as orderQueries from './orders/query.ts'
import { orders } from './orders/service.ts'
import * as userQueries from './users/query.ts'
import { users } from './users/service.ts'

/** Everything that runs in the shop, in any number of processes; in the order in which events flow. */
export const services = { users, carts, orders, inventory, ledger }

/** What each service can be asked from outside: how far it is, and what it came to. */
export const queries = {
  users: userQueries,
  carts: cartQueries,
  orders: orderQueries,
  inventory: inventoryQueries,
  ledger: ledgerQueries,
}

export type ServiceName = keyof typeof services
export type Report<S extends ServiceName> = Awaited<ReturnType<(typeof queries)[S]['report']>>

export const serviceNames = Object.keys(services) as ServiceName[]
