import { type HandleContext, type ReceivedEvent, service } from 'skerry'
import { OnHand, Store } from '../contract.ts'

const sql = `create table movement (event text primary key, article text not null, pieces integer not null,
    counted integer not null, stamp text not null);
  create view article as select article, sum(pieces) as pieces from movement as m
    where stamp >= coalesce((select max(stamp) from movement as c where c.article = m.article and c.counted = 1), '')
    group by article`

export const onhand = service(OnHand, {
  projection: true,
  migrations: [{ number: 1, name: 'movement', additive: true, sql }],
})

type Change = ReceivedEvent<{ article: string; pieces: number }>

async function keep(tx: HandleContext, event: Change, pieces: number, counted: boolean): Promise<void> {
  const stamp = `${event.time.toISOString()} ${event.id}`
  await tx.sql`
    insert into movement (event, article, pieces, counted, stamp)
    values (${event.id}, ${event.data.article}, ${pieces}, ${counted}, ${stamp})`
}

onhand
  .subscribe('articles', { from: 'start' })
  .on(Store.counted, (tx, event) => keep(tx, event, event.data.pieces, true))
  .on(Store.sold, (tx, event) => keep(tx, event, -event.data.pieces, false))
  .on(Store.delivered, (tx, event) => keep(tx, event, event.data.pieces, false))
