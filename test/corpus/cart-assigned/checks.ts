import type { Checks } from '../checks.ts'

export const checks: Checks = { leaves: { cart: ['cart-1', 'cart-2'], sku: ['mug', 'tea'] } }
