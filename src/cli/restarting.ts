/** A child that lived this long was no failed start. */
export const healthyMs = 10_000
const shortestPauseMs = 100
const longestPauseMs = 5000

/** How long to wait before the next start, after so many in a row that did not last. */
export function restartPause(failures: number): number {
  return failures === 0 ? 0 : Math.min(longestPauseMs, shortestPauseMs * 2 ** Math.min(failures - 1, 20))
}

/** One under a debugger may be silent for as long as somebody looks at it. */
export function isSilent(
  child: { readonly heard: number; readonly debugged: boolean },
  now: number,
  silenceMs: number,
): boolean {
  return !child.debugged && now - child.heard > silenceMs
}
