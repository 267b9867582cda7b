import type { Checks } from '../checks.ts'

export const checks: Checks = {
  once: { 'readers.commented': ['post', 'comment'], 'readers.withdrawn': ['post', 'comment'] },
  leaves: { post: ['p1', 'p2'] },
  invariants: {
    posts: {
      counts: `select 1 from post where comments <>
        (select count(*) from comment where post = post.id and told = 1 and withdrawn = 0)`,
    },
  },
}
