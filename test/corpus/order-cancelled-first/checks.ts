import type { Checks } from '../checks.ts'

export const checks: Checks = {
  once: { 'web.placed': 'key', 'web.cancelled': 'key', 'web.paid': 'key' },
  claims: { republication: { orders: ['web.placed', 'web.cancelled', 'web.paid'] } },
}
