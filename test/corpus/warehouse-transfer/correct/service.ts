import { type HandleContext, service } from 'skerry'
import { Floor, Shelves, sql } from '../contract.ts'

export const shelves = service(Shelves, { migrations: [{ number: 1, name: 'shelf', additive: true, sql }] })

async function add(tx: HandleContext, shelf: string, count: number): Promise<void> {
  await tx.sql`update shelf set count = count + ${count} where id = ${shelf}`
}

shelves
  .subscribe('shelves', { from: 'start' })
  .on(Floor.received, async (tx, { id, data }) => {
    await tx.sql`insert into book (event, count) values (${id}, ${data.count})`
    await add(tx, data.shelf, data.count)
  })
  .on(Floor.broken, async (tx, { id, data }) => {
    await tx.sql`insert into book (event, count) values (${id}, ${-data.count})`
    await add(tx, data.shelf, -data.count)
  })
  .on(Floor.moved, async (tx, { data }) => {
    await add(tx, data.shelf, -data.count)
    await add(tx, data.to, data.count)
  })
