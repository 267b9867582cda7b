import type { Checks } from '../checks.ts'

export const checks: Checks = {
  once: { 'branch.opened': 'key' },
  claims: { republication: { ledger: ['branch.opened'] } },
}
