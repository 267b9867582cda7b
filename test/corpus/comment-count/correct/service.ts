import { type HandleContext, service } from 'skerry'
import { Posts, Readers, sql } from '../contract.ts'

export const posts = service(Posts, { migrations: [{ number: 1, name: 'post', additive: true, sql }] })

async function recount(tx: HandleContext, post: string): Promise<void> {
  await tx.sql`
    update post set comments = (select count(*) from comment where post = ${post} and told = 1 and withdrawn = 0)
    where id = ${post}`
}

posts
  .subscribe('comments', { from: 'start' })
  .on(Readers.commented, async (tx, { data: { post, comment } }) => {
    await tx.sql`
      insert into comment (post, id, told) values (${post}, ${comment}, 1) on conflict (post, id) do update set told = 1`
    await recount(tx, post)
  })
  .on(Readers.withdrawn, async (tx, { data: { post, comment } }) => {
    await tx.sql`
      insert into comment (post, id, withdrawn) values (${post}, ${comment}, 1)
      on conflict (post, id) do update set withdrawn = 1`
    await recount(tx, post)
  })
