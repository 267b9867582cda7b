import type { Checks } from '../checks.ts'

export const checks: Checks = { once: { 'sales.billed': 'key', 'sales.credited': 'key' } }
