import { contract, event } from 'skerry'
import { z } from 'zod'

const Fact = z.object({ transfer: z.string(), account: z.string(), cents: z.int().min(1) })

export const Psp = contract('psp', {
  events: {
    charged: event({ data: Fact, key: (d) => d.account }),
    refunded: event({ data: Fact, key: (d) => d.account }),
    disputed: event({ data: Fact, key: (d) => d.account }),
  },
})

export const Billing = contract('billing', { events: {} })
