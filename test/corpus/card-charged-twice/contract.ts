import { contract, event } from 'skerry'
import { z } from 'zod'

const Money = z.object({ sale: z.string(), cents: z.int().min(1) })

export const Till = contract('till', {
  events: {
    sold: event({ data: Money, key: (d) => d.sale }),
    tipped: event({ data: Money, key: (d) => d.sale }),
    returned: event({ data: Money, key: (d) => d.sale }),
  },
})

export const Payments = contract('payments', { events: {} })

export const sql = `create table payment (sale text primary key, sold integer not null default 0,
  tipped integer not null default 0, returned integer not null default 0)`

/** Stands for the client of a payment provider. */
export interface Provider {
  charge(cents: number, key?: string): Promise<string>
  refund(cents: number, key?: string): Promise<string>
}

export const provider: Provider = {
  charge: async (cents, key = 'none') => `charged ${cents} under ${key}`,
  refund: async (cents, key = 'none') => `refunded ${cents} under ${key}`,
}
