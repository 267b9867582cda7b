import { service } from 'skerry'
import { BoxOffice, Seats } from '../contract.ts'

const sql = 'create table booking (seat text primary key, person text not null)'

export const seats = service(Seats, { migrations: [{ number: 1, name: 'booking', additive: true, sql }] })

seats
  .subscribe('bookings', { from: 'start' })
  .on(BoxOffice.asked, async (tx, { data }) => {
    const done = await tx.sql`
      insert into booking (seat, person) values (${data.seat}, ${data.person}) on conflict (seat) do nothing`
    await tx.publish(done.changes > 0 ? Seats.booked : Seats.taken, data)
  })
  .on(BoxOffice.givenBack, async (tx, { data }) => {
    await tx.sql`delete from booking where seat = ${data.seat} and person = ${data.person}`
  })
