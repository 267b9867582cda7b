import type { Checks } from '../checks.ts'

export const checks: Checks = {
  leaves: { shelf: ['north'], to: ['south'] },
  invariants: {
    shelves: { all: 'select 1 where (select sum(count) from shelf) <> (select coalesce(sum(count), 0) from book)' },
  },
}
