import { type HandleContext, service } from 'skerry'
import { Grid, Meters } from '../contract.ts'

const sql = 'create table batch (event text primary key, watt_hours integer not null)'

export const meters = service(Meters, {
  projection: true,
  migrations: [{ number: 1, name: 'batch', additive: true, sql }],
})

const buffer = meters.memory(() => [] as number[])

async function collect(tx: HandleContext, id: string, wattHours: number): Promise<void> {
  buffer().push(wattHours)
  if (buffer().length < 3) return
  const total = buffer().reduce((sum, one) => sum + one, 0)
  await tx.sql`insert into batch (event, watt_hours) values (${id}, ${total})`
  buffer().length = 0
}

meters
  .subscribe('readings', { from: 'start' })
  .on(Grid.measured, (tx, { id, data }) => collect(tx, id, data.wattHours))
  .on(Grid.corrected, (tx, { id, data }) => collect(tx, id, -data.wattHours))
