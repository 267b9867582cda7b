import { type HandleContext, type PrepareContext, service } from 'skerry'
import { Posts, Readers, sql } from '../contract.ts'

export const posts = service(Posts, { migrations: [{ number: 1, name: 'post', additive: true, sql }] })

async function count(ctx: PrepareContext, post: string): Promise<number> {
  const [row] = await ctx.sql<{ n: number }>`
    select count(*) as n from comment where post = ${post} and told = 1 and withdrawn = 0`
  return row?.n ?? 0
}

async function setCount(tx: HandleContext, post: string, comments: number): Promise<void> {
  await tx.sql`update post set comments = ${comments} where id = ${post}`
}

posts
  .subscribe('comments', { from: 'start' })
  .on(Readers.commented, {
    prepare: (ctx, { data }) => count(ctx, data.post),
    handle: async (tx, { data: { post, comment } }, before) => {
      await tx.sql`insert into comment (post, id, told) values (${post}, ${comment}, 1)`
      await setCount(tx, post, before + 1)
    },
  })
  .on(Readers.withdrawn, {
    prepare: (ctx, { data }) => count(ctx, data.post),
    handle: async (tx, { data: { post, comment } }, before) => {
      const done = await tx.sql`update comment set withdrawn = 1 where post = ${post} and id = ${comment}`
      if (done.changes > 0) await setCount(tx, post, before - 1)
    },
  })
