import type { Checks } from '../checks.ts'

export const checks: Checks = {
  once: { 'portal.closed': 'key' },
  leaves: { name: ['ada', 'bob'] },
  claims: { republication: { names: ['portal.claimed', 'portal.closed'] } },
}
