import type { Checks } from '../checks.ts'

export const checks: Checks = {
  once: { 'upload.finished': 'key', 'upload.deleted': 'key' },
  leaves: { tenant: ['t1'], file: ['f1', 'f2', 'f3', 'f4', 'f5', 'f6'] },
  invariants: { files: { quota: 'select tenant from file group by tenant having sum(units) > 5' } },
  dependsOn: [
    { service: 'files', type: 'upload.finished', on: 'upload.finished', why: 'room is scarce' },
    { service: 'files', type: 'upload.finished', on: 'upload.deleted', why: 'a deletion makes room' },
  ],
}
