import type { Checks } from '../checks.ts'

export const checks: Checks = {
  once: { 'support.opened': 'key', 'support.closed': 'key' },
  leaves: { ticket: ['t1', 't2', 't3', 't4'] },
  invariants: { desk: { one: 'select ticket from assignment group by ticket having count(*) > 1' } },
  dependsOn: [
    { service: 'desk', type: 'support.free', on: 'support.free', why: 'first come, first served' },
    { service: 'desk', type: 'support.free', on: 'support.opened', why: 'only what is there can be given' },
    { service: 'desk', type: 'support.free', on: 'support.closed', why: 'what is closed is not given' },
  ],
}
