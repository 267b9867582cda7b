import type { Checks } from '../checks.ts'

export const checks: Checks = {
  once: { 'shop.ordered': 'key' },
  leaves: { sku: ['tea'], order: ['o1', 'o2', 'o3', 'o4', 'o5', 'o6', 'o7'] },
  dependsOn: [
    { service: 'orders', type: 'shop.ordered', on: 'shop.priced', why: 'the price of the moment counts' },
    { service: 'orders', type: 'shop.ordered', on: 'shop.delisted', why: 'what is not sold costs nothing' },
  ],
}
