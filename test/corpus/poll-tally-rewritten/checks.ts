import type { Checks } from '../checks.ts'

export const checks: Checks = {
  leaves: { poll: ['p1', 'p2'] },
  invariants: {
    polls: { slips: 'select 1 from poll where yes + no <> (select sum(n) from slip where slip.poll = poll.id)' },
  },
}
