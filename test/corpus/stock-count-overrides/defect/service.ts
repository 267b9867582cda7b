import { type HandleContext, service } from 'skerry'
import { OnHand, Store } from '../contract.ts'

const sql = 'create table article (id text primary key, pieces integer not null)'

export const onhand = service(OnHand, {
  projection: true,
  migrations: [{ number: 1, name: 'article', additive: true, sql }],
})

async function add(tx: HandleContext, article: string, pieces: number): Promise<void> {
  await tx.sql`
    insert into article (id, pieces) values (${article}, ${pieces})
    on conflict (id) do update set pieces = article.pieces + excluded.pieces`
}

onhand
  .subscribe('articles', { from: 'start' })
  .on(Store.counted, async (tx, { data }) => {
    await tx.sql`insert or replace into article (id, pieces) values (${data.article}, ${data.pieces})`
  })
  .on(Store.sold, (tx, { data }) => add(tx, data.article, -data.pieces))
  .on(Store.delivered, (tx, { data }) => add(tx, data.article, data.pieces))
