import { contract, event } from 'skerry'
import { z } from 'zod'

const Change = z.object({ room: z.string(), member: z.string(), version: z.int().min(1) })

export const Chat = contract('chat', {
  events: {
    joined: event({ data: Change, key: (d) => d.room }),
    left: event({ data: Change, key: (d) => d.room }),
    banned: event({ data: Change, key: (d) => d.room }),
  },
})

export const Rooms = contract('rooms', { events: {} })
