import { service } from 'skerry'
import { Payments, provider, sql, Till } from '../contract.ts'

export const payments = service(Payments, { migrations: [{ number: 1, name: 'payment', additive: true, sql }] })

payments
  .subscribe('payments', { from: 'start' })
  .on(Till.sold, {
    prepare: (ctx, { data }) => ctx.once('charge', (key) => provider.charge(data.cents, key)),
    handle: async (tx, { data }) => {
      await tx.sql`
        insert into payment (sale, sold) values (${data.sale}, ${data.cents})
        on conflict (sale) do update set sold = excluded.sold`
    },
  })
  .on(Till.tipped, {
    prepare: (ctx, { data }) => ctx.once('charge', (key) => provider.charge(data.cents, key)),
    handle: async (tx, { data }) => {
      await tx.sql`
        insert into payment (sale, tipped) values (${data.sale}, ${data.cents})
        on conflict (sale) do update set tipped = excluded.tipped`
    },
  })
  .on(Till.returned, {
    prepare: (ctx, { data }) => ctx.once('refund', (key) => provider.refund(data.cents, key)),
    handle: async (tx, { data }) => {
      await tx.sql`
        insert into payment (sale, returned) values (${data.sale}, ${data.cents})
        on conflict (sale) do update set returned = excluded.returned`
    },
  })
