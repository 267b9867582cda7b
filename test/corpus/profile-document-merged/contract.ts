import { contract, event } from 'skerry'
import { z } from 'zod'

const Change = z.object({ account: z.string(), version: z.int().min(1), value: z.string() })

export const Account = contract('account', {
  events: {
    renamed: event({ data: Change, key: (d) => d.account }),
    movedTo: event({ data: Change, key: (d) => d.account }),
    gotPhone: event({ data: Change, key: (d) => d.account }),
  },
})

export const Profiles = contract('profiles', { events: {} })
