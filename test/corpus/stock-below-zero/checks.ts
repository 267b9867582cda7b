import type { Checks } from '../checks.ts'

export const checks: Checks = {
  once: { 'shop.placed': 'key', 'shop.cancelled': 'key' },
  leaves: { sku: ['tea', 'mug'], order: ['o1', 'o2', 'o3', 'o4', 'o5'] },
  invariants: { stock: { free: 'select sku from stock where free < 0' } },
  dependsOn: [
    { service: 'stock', type: 'shop.placed', on: 'shop.placed', why: 'goods are scarce' },
    {
      service: 'stock',
      type: 'shop.placed',
      on: 'shop.cancelled',
      why: 'a cancellation makes room, and outlives its order',
    },
    { service: 'stock', type: 'shop.placed', on: 'shop.received', why: 'what came in can be sold' },
  ],
}
