import { type Balancer, eligible } from './candidate.ts'

/** One after the other, whatever their weights. It begins anywhere, so that many clients do not all begin with the first. */
export function roundRobin(): Balancer {
  let next = -1
  return (candidates, choosing) => {
    const n = candidates.length
    if (next < 0) next = Math.floor(choosing.random() * n)
    for (let i = 0; i < n; i++) {
      const c = candidates[(next + i) % n]
      if (!c || !eligible(c, choosing)) continue
      next = (next + i + 1) % n
      return c
    }
    return undefined
  }
}
