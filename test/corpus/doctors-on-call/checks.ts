import type { Checks } from '../checks.ts'

export const checks: Checks = {
  leaves: { ward: ['east'], doctor: ['ada', 'bob', 'cyd'] },
  invariants: { rota: { somebody: 'select ward from doctor group by ward having sum(on_call) = 0' } },
  dependsOn: [
    { service: 'rota', type: 'ward.wentHome', on: 'ward.wentHome', why: 'the last one stays' },
    { service: 'rota', type: 'ward.wentHome', on: 'ward.cameIn', why: 'somebody else may go then' },
  ],
}
