import type { Checks } from '../checks.ts'

export const checks: Checks = {
  invariants: { hall: { unique: 'select number from waiting group by number having count(*) > 1' } },
}
