import type { Checks } from '../checks.ts'

export const checks: Checks = { leaves: { room: ['hall'], serial: ['s1', 's2'], tenths: [-40, 0, 200, 215] } }
