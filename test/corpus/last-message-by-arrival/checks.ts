import type { Checks } from '../checks.ts'

export const checks: Checks = {
  once: { 'chat.wrote': ['message'], 'chat.recalled': ['message'] },
  leaves: { room: ['r1'], message: ['m1', 'm2', 'm3', 'm4', 'm5', 'm6'] },
}
