import type { Checks } from '../checks.ts'

export const checks: Checks = {
  once: {
    'website.ordered': 'key',
    'website.cancelled': 'key',
    'orders.accepted': 'key',
    'orders.withdrawn': 'key',
  },
  claims: { republication: { parcels: ['orders.accepted', 'orders.withdrawn'] } },
  invariants: { parcels: { none: 'select 1 from parcel join withdrawn using (id) where parcel.stopped = 0' } },
}
