import { service } from 'skerry'
import { BoxOffice, Seats } from '../contract.ts'

const sql = 'create table booking (event text primary key, seat text not null, person text not null)'

export const seats = service(Seats, { migrations: [{ number: 1, name: 'booking', additive: true, sql }] })

seats
  .subscribe('bookings', { from: 'start' })
  .on(BoxOffice.asked, {
    prepare: async (ctx, { data }) => (await ctx.sql`select 1 from booking where seat = ${data.seat}`).length === 0,
    handle: async (tx, { id, data }, free) => {
      if (free) await tx.sql`insert into booking (event, seat, person) values (${id}, ${data.seat}, ${data.person})`
      await tx.publish(free ? Seats.booked : Seats.taken, data)
    },
  })
  .on(BoxOffice.givenBack, async (tx, { data }) => {
    await tx.sql`delete from booking where seat = ${data.seat} and person = ${data.person}`
  })
