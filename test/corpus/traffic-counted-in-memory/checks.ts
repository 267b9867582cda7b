import type { Checks } from '../checks.ts'

export const checks: Checks = { leaves: { page: ['/', '/tea'] } }
