import type { Checks } from '../checks.ts'

export const checks: Checks = {
  leaves: { account: ['a1', 'a2'] },
  invariants: {
    bank: {
      sums: `select 1 from account where balance <>
        (select coalesce(sum(amount), 0) from entry where entry.account = account.id)`,
    },
  },
}
