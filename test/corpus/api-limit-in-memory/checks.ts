import type { Checks } from '../checks.ts'

const why = 'the limit is scarce'

export const checks: Checks = {
  leaves: { tenant: ['t1', 't2'] },
  invariants: { limits: { two: 'select tenant from call group by tenant having count(*) > 2' } },
  dependsOn: [
    { service: 'limits', type: 'api.called', on: 'api.called', why },
    { service: 'limits', type: 'api.called', on: 'api.exported', why },
    { service: 'limits', type: 'api.called', on: 'api.searched', why },
    { service: 'limits', type: 'api.exported', on: 'api.exported', why },
    { service: 'limits', type: 'api.exported', on: 'api.searched', why },
    { service: 'limits', type: 'api.searched', on: 'api.searched', why },
  ],
}
