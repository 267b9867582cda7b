import type { Checks } from '../checks.ts'

export const checks: Checks = {
  once: { 'merchant.listed': 'key' },
  leaves: { shelf: ['tea', 'mugs'], sku: ['s1', 's2', 's3', 's4', 's5', 's6'] },
}
