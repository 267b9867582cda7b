import { contract, event } from 'skerry'
import { z } from 'zod'

const Shift = z.object({ ward: z.string(), doctor: z.string() })

export const Ward = contract('ward', {
  events: {
    cameIn: event({ data: Shift, key: (d) => d.doctor }),
    wentHome: event({ data: Shift, key: (d) => d.doctor }),
  },
})

export const Rota = contract('rota', {
  events: { relieved: event({ data: Shift, key: (d) => d.doctor }) },
})

export const sql = `create table doctor (ward text, doctor text, on_call integer not null, primary key (ward, doctor));
  insert into doctor values ('east', 'ada', 1), ('east', 'bob', 1), ('east', 'cyd', 0)`
