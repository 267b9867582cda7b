import type { Checks } from '../checks.ts'

const fact = ['account', 'version']

export const checks: Checks = {
  once: { 'account.renamed': fact, 'account.movedTo': fact, 'account.gotPhone': fact },
  leaves: { account: ['a1', 'a2'] },
  claims: { republication: { profiles: ['account.renamed', 'account.movedTo', 'account.gotPhone'] } },
}
