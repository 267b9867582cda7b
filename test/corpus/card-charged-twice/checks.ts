import type { Checks } from '../checks.ts'

export const checks: Checks = {
  once: { 'till.sold': 'key', 'till.tipped': 'key', 'till.returned': 'key' },
  leaves: { sale: ['s1', 's2', 's3', 's4'] },
  outside: { charge: { answer: 'done', effect: true }, refund: { answer: 'done', effect: true } },
}
