import { service } from 'skerry'
import { Calendar, Rooms, sql } from '../contract.ts'

export const rooms = service(Rooms, { migrations: [{ number: 1, name: 'booking', additive: true, sql }] })

rooms
  .subscribe('bookings', { from: 'start' })
  .on(Calendar.asked, {
    prepare: async (ctx, { data: { room, hour, hours } }) => {
      const others = await ctx.sql`
        select 1 from booking where room = ${room} and hour < ${hour + hours} and ${hour} < until`
      return others.length === 0
    },
    handle: async (tx, { data: { meeting, room, hour, hours } }, free) => {
      if (free)
        await tx.sql`
          insert into booking (meeting, room, hour, until) values (${meeting}, ${room}, ${hour}, ${hour + hours})`
      await tx.publish(free ? Rooms.booked : Rooms.refused, { meeting })
    },
  })
  .on(Calendar.calledOff, async (tx, { data }) => {
    await tx.sql`delete from booking where meeting = ${data.meeting}`
  })
