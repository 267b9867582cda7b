import { contract, event } from 'skerry'
import { z } from 'zod'

const Call = z.object({ tenant: z.string() })

export const Api = contract('api', {
  events: {
    called: event({ data: Call, key: (d) => d.tenant }),
    exported: event({ data: Call, key: (d) => d.tenant }),
    searched: event({ data: Call, key: (d) => d.tenant }),
  },
})

export const Limits = contract('limits', {
  events: { refused: event({ data: Call, key: (d) => d.tenant }) },
})

export const sql = 'create table call (event text primary key, tenant text not null, kind text not null)'
