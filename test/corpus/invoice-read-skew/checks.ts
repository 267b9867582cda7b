import type { Checks } from '../checks.ts'

export const checks: Checks = {
  once: { 'shop.ordered': 'key', 'shop.repriced': ['item', 'version'] },
  leaves: { item: ['tea', 'mug'], price: [20, 30, 40] },
  invariants: { orders: { tenth: 'select 1 from bill where net <> tax * 10' } },
  dependsOn: [{ service: 'orders', type: 'shop.ordered', on: 'shop.repriced', why: 'the tariff of the day counts' }],
}
