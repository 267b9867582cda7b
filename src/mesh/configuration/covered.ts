import type { RouteMatch, StringMatch } from '../routing/rules.ts'

/**
 * Whether every request that `later` takes is taken by `earlier`, so that nobody ever gets as far as `later`. What is not seen to be so
 * is taken not to be: regular expressions are compared as texts.
 */
export function covers(earlier: RouteMatch | undefined, later: RouteMatch | undefined): boolean {
  const { name: _, statPrefix: __, uri, ignoreUriCase, ...rest } = earlier ?? {}
  if (uri && !coversUri(uri, ignoreUriCase ?? false, later)) return false
  return Object.entries(rest).every(([field, wanted]) => includes((later as Fields | undefined)?.[field], wanted))
}

type Fields = Readonly<Record<string, unknown>>

function coversUri(uri: StringMatch, ignoreUriCase: boolean, later: RouteMatch | undefined): boolean {
  const other = later?.uri
  if (!other) return false
  const folded = (text: string): string => (ignoreUriCase ? text.toLowerCase() : text)
  // Who minds no case takes more than who does.
  const narrower = ignoreUriCase || !later?.ignoreUriCase
  const begins = other.exact ?? other.prefix
  if (uri.prefix !== undefined) return narrower && begins !== undefined && folded(begins).startsWith(folded(uri.prefix))
  if (uri.exact !== undefined) return narrower && other.exact !== undefined && folded(other.exact) === folded(uri.exact)
  return JSON.stringify(uri) === JSON.stringify(other)
}

/** Maps of conditions hold where each of them does: the fewer, the more is taken. */
function includes(given: unknown, wanted: unknown): boolean {
  if (isFields(wanted) && isFields(given))
    return Object.entries(wanted).every(([name, one]) => JSON.stringify(given[name]) === JSON.stringify(one))
  return JSON.stringify(given) === JSON.stringify(wanted)
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
