import type { Checks } from '../checks.ts'

export const checks: Checks = {
  leaves: { item: ['vase', 'lamp'] },
  invariants: {
    auction: { best: 'select 1 from item join noted using (item) where noted.amount > item.amount and noted.won = 1' },
  },
}
