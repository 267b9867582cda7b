import { contract, event } from 'skerry'
import { z } from 'zod'

const Visit = z.object({ visit: z.string() })

export const Door = contract('door', {
  events: {
    walkedIn: event({ data: Visit, key: (d) => d.visit }),
    phoned: event({ data: Visit, key: (d) => d.visit }),
    referred: event({ data: Visit, key: (d) => d.visit }),
  },
})

export const Hall = contract('hall', {
  events: { numbered: event({ data: z.object({ visit: z.string(), number: z.string() }), key: (d) => d.visit }) },
})
