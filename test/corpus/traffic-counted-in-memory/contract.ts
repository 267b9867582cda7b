import { contract, event } from 'skerry'
import { z } from 'zod'

const Page = z.object({ page: z.string() })

export const Site = contract('site', {
  events: {
    visited: event({ data: Page, key: (d) => d.page }),
    shared: event({ data: Page, key: (d) => d.page }),
    bought: event({ data: Page, key: (d) => d.page }),
  },
})

export const Traffic = contract('traffic', { events: {} })

export const sql = 'create table page (page text primary key, actions integer not null)'
