/** What a server does with a question: it works on it; it is done with it, or never got it; or nobody knows. */
export type Seen = 'at work' | 'done' | 'unknown'

/** To be asked over another connection. */
export const questionAbout = (pid: number): string =>
  `select pg_backend_pid(), pid, state from (select 1) as one left join pg_stat_activity on pid = ${pid}`

/**
 * What its answer means. `own` is the number that the server gave to who asked: a pooler gives its clients numbers that are no
 * backend's, so behind one nobody can know. States are `disabled` where the server keeps no account.
 */
export function seenIn(answer: readonly (string | null)[] | undefined, own: number): Seen {
  const [asking, pid, state] = answer ?? []
  if (Number(asking) !== own) return 'unknown'
  if (pid === null) return 'done'
  if (!state || state === 'disabled') return 'unknown'
  return state.startsWith('idle') ? 'done' : 'at work'
}
