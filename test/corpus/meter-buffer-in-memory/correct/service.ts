import { type HandleContext, service } from 'skerry'
import { Grid, Meters } from '../contract.ts'

const sql = 'create table total (meter text primary key, watt_hours integer not null)'

export const meters = service(Meters, {
  projection: true,
  migrations: [{ number: 1, name: 'total', additive: true, sql }],
})

async function add(tx: HandleContext, meter: string, wattHours: number): Promise<void> {
  await tx.sql`
    insert into total (meter, watt_hours) values (${meter}, ${wattHours})
    on conflict (meter) do update set watt_hours = total.watt_hours + excluded.watt_hours`
}

meters
  .subscribe('readings', { from: 'start' })
  .on(Grid.measured, (tx, { data }) => add(tx, data.meter, data.wattHours))
  .on(Grid.corrected, (tx, { data }) => add(tx, data.meter, -data.wattHours))
