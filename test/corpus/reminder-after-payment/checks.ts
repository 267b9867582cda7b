import type { Checks } from '../checks.ts'

export const checks: Checks = { once: { 'website.ordered': 'key', 'website.paid': 'key' } }
