import type { Checks } from '../checks.ts'

export const checks: Checks = {
  once: { 'house.packed': 'key', 'house.paid': 'key', 'house.addressed': 'key' },
  leaves: { order: ['o1', 'o2'] },
}
