import { service } from 'skerry'
import { Climate, Sensor } from '../contract.ts'

const sql = `create table reading (room text, serial text, total integer not null, count integer not null,
    primary key (room, serial));
  create view average as select room, serial, total * 1.0 / count as tenths from reading where count > 0`

export const climate = service(Climate, {
  projection: true,
  migrations: [{ number: 1, name: 'reading', additive: true, sql }],
})

climate
  .subscribe('average', { from: 'start' })
  .on(Sensor.measured, async (tx, { data }) => {
    await tx.sql`
      insert into reading (room, serial, total, count) values (${data.room}, ${data.serial}, ${data.tenths}, 1)
      on conflict (room, serial) do update set total = reading.total + excluded.total, count = reading.count + 1`
  })
  .on(Sensor.replaced, async (tx, { data }) => {
    await tx.sql`
      insert into reading (room, serial, total, count) values (${data.room}, ${data.serial}, 0, 0)
      on conflict (room, serial) do nothing`
  })
