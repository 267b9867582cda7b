import { contract, event } from 'skerry'
import { z } from 'zod'

const flag = z.string()
const version = z.int().min(1)

export const Admin = contract('admin', {
  events: {
    flipped: event({ data: z.object({ flag, version, on: z.boolean() }), key: (d) => d.flag }),
    removed: event({ data: z.object({ flag, version }), key: (d) => d.flag }),
  },
})

export const Flags = contract('flags', { events: {} })
