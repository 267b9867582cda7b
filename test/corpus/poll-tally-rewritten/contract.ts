import { contract, event } from 'skerry'
import { z } from 'zod'

const Slip = z.object({ poll: z.string() })

export const Booth = contract('booth', {
  events: {
    yes: event({ data: Slip, key: (d) => d.poll }),
    no: event({ data: Slip, key: (d) => d.poll }),
    takenBack: event({ data: Slip.extend({ was: z.enum(['yes', 'no']) }), key: (d) => d.poll }),
  },
})

export const Polls = contract('polls', { events: {} })
