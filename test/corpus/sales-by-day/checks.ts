import type { Checks } from '../checks.ts'

export const checks: Checks = { leaves: { day: ['2026-01-01', '2026-01-02'] } }
