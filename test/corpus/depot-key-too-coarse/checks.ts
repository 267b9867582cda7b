import type { Checks } from '../checks.ts'

export const checks: Checks = { leaves: { parcel: ['p1', 'p2'], depot: ['north', 'south'] } }
