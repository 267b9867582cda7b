import type { Checks } from '../checks.ts'

export const checks: Checks = {
  once: {
    'products.listed': 'key',
    'products.renamed': ['sku', 'version'],
    'products.repriced': ['sku', 'version'],
    'products.delisted': 'key',
  },
  leaves: { sku: ['s1', 's2'] },
  claims: { republication: { search: ['products.listed', 'products.delisted'] } },
}
