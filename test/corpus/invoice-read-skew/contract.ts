import { contract, event } from 'skerry'
import { z } from 'zod'

export const Shop = contract('shop', {
  events: {
    ordered: event({ data: z.object({ order: z.string(), item: z.string() }), key: (d) => d.order }),
    repriced: event({
      data: z.object({ item: z.string(), version: z.int().min(1), price: z.int().min(1) }),
      key: (d) => d.item,
    }),
  },
})

export const Orders = contract('orders', { events: {} })

export const sql = `create table tariff (item text primary key, net integer not null, tax integer not null, version integer not null);
  create table bill (id text primary key, net integer not null, tax integer not null);
  insert into tariff values ('tea', 100, 10, 0), ('mug', 500, 50, 0)`
