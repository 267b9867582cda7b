import type { Checks } from '../checks.ts'

export const checks: Checks = {
  once: { 'admin.flipped': ['flag', 'version'], 'admin.removed': ['flag', 'version'] },
  leaves: { flag: ['f1', 'f2'] },
  claims: { republication: { flags: ['admin.flipped', 'admin.removed'] } },
}
