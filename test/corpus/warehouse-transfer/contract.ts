import { contract, event } from 'skerry'
import { z } from 'zod'

const shelf = z.string()
const count = z.int().min(1)

export const Floor = contract('floor', {
  events: {
    received: event({ data: z.object({ shelf, count }), key: (d) => d.shelf }),
    moved: event({ data: z.object({ shelf, to: z.string(), count }), key: (d) => d.shelf }),
    broken: event({ data: z.object({ shelf, count }), key: (d) => d.shelf }),
  },
})

export const Shelves = contract('shelves', { events: {} })

export const sql = `create table shelf (id text primary key, count integer not null);
  create table book (event text primary key, count integer not null);
  insert into shelf values ('north', 0), ('south', 0)`
