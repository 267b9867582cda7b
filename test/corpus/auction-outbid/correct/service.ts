import { service } from 'skerry'
import { Auction, Bidders } from '../contract.ts'

const sql = `create table best (item text, bidder text, amount integer not null, out integer not null,
    primary key (item, bidder));
  create view item as select item, max(amount) as amount from best where out = 0 group by item;
  create view noted as select item, amount, 1 as won from best where out = 0`

export const auction = service(Auction, { migrations: [{ number: 1, name: 'item', additive: true, sql }] })

auction
  .subscribe('bids', { from: 'start' })
  .on(Bidders.bid, async (tx, { data: { item, bidder, amount } }) => {
    await tx.sql`
      insert into best (item, bidder, amount, out) values (${item}, ${bidder}, ${amount}, 0)
      on conflict (item, bidder) do update set amount = max(best.amount, excluded.amount)`
  })
  .on(Bidders.withdrew, async (tx, { data: { item, bidder } }) => {
    await tx.sql`
      insert into best (item, bidder, amount, out) values (${item}, ${bidder}, 0, 1)
      on conflict (item, bidder) do update set out = 1`
  })
