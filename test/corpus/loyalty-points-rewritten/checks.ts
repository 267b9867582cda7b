import type { Checks } from '../checks.ts'

export const checks: Checks = {
  leaves: { member: ['m1', 'm2'] },
  invariants: {
    loyalty: {
      sums: 'select 1 from member where points <> (select sum(points) from movement where member = member.id)',
    },
  },
}
