import type { Checks } from '../checks.ts'

export const checks: Checks = {
  leaves: { room: ['hall'] },
  claims: { republication: { rooms: ['chat.joined', 'chat.left', 'chat.banned'] } },
}
