import { service } from 'skerry'
import { Climate, Sensor } from '../contract.ts'

const sql = 'create table room (room text primary key, average real not null)'

export const climate = service(Climate, {
  projection: true,
  migrations: [{ number: 1, name: 'room', additive: true, sql }],
})

climate
  .subscribe('average', { from: 'start' })
  .on(Sensor.measured, async (tx, { data }) => {
    await tx.sql`
      insert into room (room, average) values (${data.room}, ${data.tenths})
      on conflict (room) do update set average = (room.average + excluded.average) / 2`
  })
  .on(Sensor.replaced, async (tx, { data }) => {
    await tx.sql`delete from room where room = ${data.room}`
  })
