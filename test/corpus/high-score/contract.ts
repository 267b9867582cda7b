import { contract, event } from 'skerry'
import { z } from 'zod'

export const Game = contract('game', {
  events: {
    joined: event({ data: z.object({ player: z.string() }), key: (d) => d.player }),
    finished: event({ data: z.object({ player: z.string(), score: z.int().min(1) }), key: (d) => d.player }),
  },
})

export const Board = contract('board', { events: {} })
