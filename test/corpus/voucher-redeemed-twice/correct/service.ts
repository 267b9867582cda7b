import { service } from 'skerry'
import { Checkout, sql, Vouchers } from '../contract.ts'

export const vouchers = service(Vouchers, { migrations: [{ number: 1, name: 'redemption', additive: true, sql }] })

vouchers
  .subscribe('redemptions', { from: 'start' })
  .on(Checkout.redeemed, async (tx, { data }) => {
    const [row] = await tx.sql<{ n: number }>`
      select count(*) as n from redemption where voucher = ${data.voucher} and basket <> ${data.basket}`
    const room = (row?.n ?? 0) < 2
    if (room)
      await tx.sql`
        insert into redemption (voucher, basket) values (${data.voucher}, ${data.basket}) on conflict do nothing`
    await tx.publish(room ? Vouchers.accepted : Vouchers.refused, data)
  })
  .on(Checkout.returned, async (tx, { data }) => {
    await tx.sql`delete from redemption where voucher = ${data.voucher} and basket = ${data.basket}`
  })
