import { contract, event } from 'skerry'
import { z } from 'zod'

export const Shop = contract('shop', {
  events: {
    priced: event({ data: z.object({ sku: z.string(), cents: z.int().min(1) }), key: (d) => d.sku }),
    delisted: event({ data: z.object({ sku: z.string() }), key: (d) => d.sku }),
    ordered: event({ data: z.object({ order: z.string(), sku: z.string() }), key: (d) => d.order }),
  },
})

export const Orders = contract('orders', { events: {} })

export const sql = `create table price (sku text primary key, cents integer not null);
  create table bill (id text primary key, cents integer not null);
  insert into price values ('tea', 100)`
