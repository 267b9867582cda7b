import { contract, event } from 'skerry'
import { z } from 'zod'

export const Bidders = contract('bidders', {
  events: {
    bid: event({
      data: z.object({ item: z.string(), bidder: z.string(), amount: z.int().min(1) }),
      key: (d) => d.item,
    }),
    withdrew: event({ data: z.object({ item: z.string(), bidder: z.string() }), key: (d) => d.item }),
  },
})

export const Auction = contract('auction', { events: {} })
