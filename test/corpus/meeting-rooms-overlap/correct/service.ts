import { service } from 'skerry'
import { Calendar, Rooms, sql } from '../contract.ts'

export const rooms = service(Rooms, { migrations: [{ number: 1, name: 'booking', additive: true, sql }] })

rooms
  .subscribe('bookings', { from: 'start' })
  .on(Calendar.asked, async (tx, { data: { meeting, room, hour, hours } }) => {
    const done = await tx.sql`
      insert into booking (meeting, room, hour, until) select ${meeting}, ${room}, ${hour}, ${hour + hours}
      where not exists (select 1 from booking where room = ${room} and hour < ${hour + hours} and ${hour} < until)`
    await tx.publish(done.changes > 0 ? Rooms.booked : Rooms.refused, { meeting })
  })
  .on(Calendar.calledOff, async (tx, { data }) => {
    await tx.sql`delete from booking where meeting = ${data.meeting}`
  })
