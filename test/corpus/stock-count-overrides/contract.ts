import { contract, event } from 'skerry'
import { z } from 'zod'

const Change = z.object({ article: z.string(), pieces: z.int().min(1) })

export const Store = contract('store', {
  events: {
    counted: event({ data: Change, key: (d) => d.article }),
    sold: event({ data: Change, key: (d) => d.article }),
    delivered: event({ data: Change, key: (d) => d.article }),
  },
})

export const OnHand = contract('onhand', { events: {} })
