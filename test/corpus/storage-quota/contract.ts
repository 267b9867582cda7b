import { contract, event } from 'skerry'
import { z } from 'zod'

export const Upload = contract('upload', {
  events: {
    finished: event({
      data: z.object({ tenant: z.string(), file: z.string(), units: z.int().min(1).max(3) }),
      key: (d) => d.file,
    }),
    deleted: event({ data: z.object({ file: z.string() }), key: (d) => d.file }),
  },
})

const File = z.object({ tenant: z.string(), file: z.string() })

export const Files = contract('files', {
  events: {
    stored: event({ data: File, key: (d) => d.tenant }),
    overQuota: event({ data: File, key: (d) => d.tenant }),
  },
})

export const sql = 'create table file (id text primary key, tenant text not null, units integer not null)'
