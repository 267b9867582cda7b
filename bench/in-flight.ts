/** How many confirmations a publisher awaits at the same time, where nothing else is said. */
export const IN_FLIGHT = 256

/** Runs `task` for 0 … count-1 with at most `limit` of them unfinished at any time. */
export async function inFlight(count: number, limit: number, task: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < count) await task(next++)
  }
  await Promise.all(Array.from({ length: Math.min(limit, count) }, lane))
}
