import type { Checks } from '../checks.ts'

export const checks: Checks = {
  // A term has one leader, and nobody else resigns from it: the node follows from the term.
  once: { 'votes.elected': ['group', 'term'], 'votes.resigned': ['group', 'term'] },
  leaves: { group: ['g1', 'g2'] },
  claims: { republication: { cluster: ['votes.elected', 'votes.resigned'] } },
  invariants: {
    cluster: { newest: 'select 1 from leader where term < (select max(term) from term where term.grp = leader.grp)' },
  },
}
