import type { Checks } from '../checks.ts'

export const checks: Checks = { outside: { mail: { answer: 'accepted', effect: true } } }
