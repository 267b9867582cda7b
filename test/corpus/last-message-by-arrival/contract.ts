import { contract, event } from 'skerry'
import { z } from 'zod'

const room = z.string()

export const Chat = contract('chat', {
  events: {
    wrote: event({ data: z.object({ room, message: z.string(), sent: z.int().min(1) }), key: (d) => d.room }),
    recalled: event({ data: z.object({ room, message: z.string() }), key: (d) => d.room }),
    read: event({ data: z.object({ room, upTo: z.int().min(1) }), key: (d) => d.room }),
  },
})

export const Inbox = contract('inbox', { events: {} })
