import { contract, event, service } from 'skerry'
import { z } from 'zod'

const Scan = z.object({ parcel: z.string(), depot: z.string() })

export const Scanner = contract('scanner', {
  events: {
    arrived: event({ data: Scan, key: (d) => d.parcel }),
    delivered: event({ data: Scan, key: (d) => d.parcel }),
  },
})

const sql = 'create table parcel (id text primary key, place text not null)'

export const tracking = service(contract('tracking', { events: {} }), {
  projection: true,
  migrations: [{ number: 1, name: 'parcel', additive: true, sql }],
})

tracking
  .subscribe('parcels', { from: 'start', order: 'key' })
  .on(Scanner.arrived, async (tx, { data }) => {
    await tx.sql`insert or replace into parcel (id, place) values (${data.parcel}, ${data.depot})`
  })
  .on(Scanner.delivered, async (tx, { data }) => {
    await tx.sql`insert or replace into parcel (id, place) values (${data.parcel}, ${`from ${data.depot}`})`
  })
