import { service } from 'skerry'
import { Auction, Bidders } from '../contract.ts'

const sql = `create table item (item text primary key, bidder text not null, amount integer not null);
  create table noted (event text primary key, item text not null, amount integer not null, won integer not null)`

export const auction = service(Auction, { migrations: [{ number: 1, name: 'item', additive: true, sql }] })

auction
  .subscribe('bids', { from: 'start' })
  .on(Bidders.bid, {
    prepare: async (ctx, { data }) => {
      const [row] = await ctx.sql<{ amount: number }>`select amount from item where item = ${data.item}`
      return data.amount > (row?.amount ?? 0)
    },
    handle: async (tx, { id, data: { item, bidder, amount } }, higher) => {
      await tx.sql`insert into noted (event, item, amount, won) values (${id}, ${item}, ${amount}, ${higher})`
      if (!higher) return
      await tx.sql`
        insert into item (item, bidder, amount) values (${item}, ${bidder}, ${amount})
        on conflict (item) do update set bidder = excluded.bidder, amount = excluded.amount`
    },
  })
  .on(Bidders.withdrew, async (tx, { data }) => {
    await tx.sql`delete from item where item = ${data.item} and bidder = ${data.bidder}`
  })
