import type { Checks } from '../checks.ts'

export const checks: Checks = {
  once: { 'psp.charged': ['transfer'], 'psp.refunded': ['transfer'], 'psp.disputed': ['transfer'] },
  leaves: { transfer: ['x1', 'x2', 'x3', 'x4', 'x5', 'x6'] },
  claims: { republication: { billing: ['psp.charged', 'psp.refunded', 'psp.disputed'] } },
}
