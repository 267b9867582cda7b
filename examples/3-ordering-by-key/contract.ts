import { contract, event } from 'skerry'
import { z } from 'zod'

const Amount = z.object({ account: z.string(), amount: z.number() })

export const Bank = contract('bank', {
  events: {
    paidIn: event({ data: Amount, key: (d) => d.account }),
    paidOut: event({ data: Amount, key: (d) => d.account }),
  },
})
