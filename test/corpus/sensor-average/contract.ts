import { contract, event } from 'skerry'
import { z } from 'zod'

export const Sensor = contract('sensor', {
  events: {
    measured: event({
      data: z.object({ room: z.string(), serial: z.string(), tenths: z.int() }),
      key: (d) => d.room,
    }),
    replaced: event({ data: z.object({ room: z.string(), serial: z.string() }), key: (d) => d.room }),
  },
})

export const Climate = contract('climate', { events: {} })
