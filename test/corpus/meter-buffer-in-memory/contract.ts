import { contract, event } from 'skerry'
import { z } from 'zod'

const Reading = z.object({ meter: z.string(), wattHours: z.int().min(1) })

export const Grid = contract('grid', {
  events: {
    measured: event({ data: Reading, key: (d) => d.meter }),
    corrected: event({ data: Reading, key: (d) => d.meter }),
  },
})

export const Meters = contract('meters', { events: {} })
