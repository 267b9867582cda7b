import type { Checks } from '../checks.ts'

export const checks: Checks = {
  once: { 'crm.moved': ['customer', 'version'], 'crm.removed': ['customer', 'version'] },
  claims: { republication: { parcels: ['crm.moved', 'crm.removed'] } },
  // Versions of one customer are numbered through both kinds of event.
  leaves: { customer: ['c1', 'c2'] },
}
