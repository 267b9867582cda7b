import type { Checks } from '../checks.ts'

export const checks: Checks = {
  once: { 'client.submitted': 'key', 'scheduler.assigned': 'key' },
  claims: { republication: { scheduler: ['scheduler.assigned', 'worker.done', 'worker.failed'] } },
}
