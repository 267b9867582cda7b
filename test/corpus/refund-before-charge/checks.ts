import type { Checks } from '../checks.ts'

export const checks: Checks = {
  once: { 'saga.charge': 'key', 'saga.refund': 'key' },
  claims: { republication: { payments: ['saga.charge', 'saga.refund'] } },
  invariants: {
    payments: { none: 'select 1 from charged join refunded using (id) where charged.cents > 0' },
  },
}
