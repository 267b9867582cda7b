import { contract, event } from 'skerry'
import { z } from 'zod'

const Order = z.object({ order: z.string(), sku: z.string(), count: z.int().min(1) })

export const Shop = contract('shop', {
  events: {
    placed: event({ data: Order, key: (d) => d.order }),
    cancelled: event({ data: z.object({ order: z.string() }), key: (d) => d.order }),
    received: event({ data: z.object({ sku: z.string(), count: z.int().min(1) }), key: (d) => d.sku }),
  },
})

const Told = z.object({ order: z.string() })

export const Stock = contract('stock', {
  events: { reserved: event({ data: Told, key: (d) => d.order }), soldOut: event({ data: Told, key: (d) => d.order }) },
})

export const sql = `create table stock (sku text primary key, free integer not null);
  create table reservation (id text primary key, sku text, count integer not null, cancelled integer not null);
  insert into stock values ('tea', 4), ('mug', 0)`
