import { type HandleContext, type PrepareContext, service } from 'skerry'
import { Floor, Shelves, sql } from '../contract.ts'

export const shelves = service(Shelves, { migrations: [{ number: 1, name: 'shelf', additive: true, sql }] })

async function countOf(ctx: Pick<PrepareContext, 'sql'>, shelf: string): Promise<number> {
  const [row] = await ctx.sql<{ count: number }>`select count from shelf where id = ${shelf}`
  return row?.count ?? 0
}

async function put(tx: HandleContext, shelf: string, count: number): Promise<void> {
  await tx.sql`update shelf set count = ${count} where id = ${shelf}`
}

shelves
  .subscribe('shelves', { from: 'start' })
  .on(Floor.received, {
    prepare: (ctx, { data }) => countOf(ctx, data.shelf),
    handle: async (tx, { id, data }, before) => {
      await tx.sql`insert into book (event, count) values (${id}, ${data.count})`
      await put(tx, data.shelf, before + data.count)
    },
  })
  .on(Floor.broken, {
    prepare: (ctx, { data }) => countOf(ctx, data.shelf),
    handle: async (tx, { id, data }, before) => {
      await tx.sql`insert into book (event, count) values (${id}, ${-data.count})`
      await put(tx, data.shelf, before - data.count)
    },
  })
  .on(Floor.moved, {
    prepare: (ctx, { data }) =>
      ctx.snapshot(async (tx) => ({ from: await countOf(tx, data.shelf), to: await countOf(tx, data.to) })),
    handle: async (tx, { data }, before) => {
      await put(tx, data.shelf, before.from - data.count)
      await put(tx, data.to, before.to + data.count)
    },
  })
