import type { RequestAttributes } from '../request.ts'
import type { Matched } from './match.ts'
import { isAuthority } from './names.ts'
import type { CompilePattern, Pattern } from './pattern.ts'
import type { Headers, HttpRoute, Redirect } from './rules.ts'

/** Gives the path that is sent instead; the query stays. */
export type RewritePath = (path: string) => string

export function compileRewrite(rewrite: HttpRoute['rewrite'], matched: Matched, compile: CompilePattern): RewritePath {
  const regex = rewrite?.uriRegexRewrite
  if (regex?.match !== undefined && regex.rewrite !== undefined) {
    const pattern: Pattern = compile(regex.match)
    const substitution = regex.rewrite
    return (path) => pattern.replace(path, substitution)
  }
  const uri = rewrite?.uri
  return uri ? (path) => replaceMatched(path, uri, matched) : (path) => path
}

/** As text: `/v1` for the prefix `/` makes `/v1orders` of `/orders`, in Envoy and here. */
export function replaceMatched(path: string, by: string, matched: Matched): string {
  return matched.kind === 'whole' ? by : by + path.slice(matched.length)
}

/** Changes of headers, in the order in which they are made: first all removals, then set and add of the route, then of the destination. */
export interface HeaderChanges {
  readonly remove: readonly string[]
  readonly write: readonly { readonly kind: 'set' | 'add'; readonly name: string; readonly value: string }[]
}

/** What the `Host` becomes: a rewrite says so first, then the route's headers, then the destination's. */
export function authorityOf(
  rewrite: HttpRoute['rewrite'],
  ...all: readonly (Headers | undefined)[]
): string | undefined {
  if (rewrite?.authority) return rewrite.authority
  for (const headers of all)
    for (const operation of ['set', 'add'] as const)
      for (const [name, value] of Object.entries(headers?.request?.[operation] ?? {}))
        if (isAuthority(name)) return value
  return undefined
}

export function headerChanges(side: 'request' | 'response', ...all: readonly (Headers | undefined)[]): HeaderChanges {
  const given = all.map((headers) => headers?.[side] ?? {})
  const write = given.flatMap((operations) =>
    (['set', 'add'] as const).flatMap((kind) =>
      Object.entries(operations[kind] ?? {})
        .filter(([name]) => !isAuthority(name))
        .map(([name, value]) => ({ kind, name: name.toLowerCase(), value: value.replaceAll('%%', '%') }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    ),
  )
  return { remove: given.flatMap((operations) => operations.remove ?? []).map((name) => name.toLowerCase()), write }
}

/** The headers after the changes; a header that is added to is joined by a comma. Names are lower-case. */
export function changeHeaders(
  headers: Readonly<Record<string, string>>,
  changes: HeaderChanges,
): Readonly<Record<string, string>> {
  if (changes.remove.length === 0 && changes.write.length === 0) return headers
  const changed = new Map(Object.entries(headers))
  for (const name of changes.remove) changed.delete(name)
  for (const { kind, name, value } of changes.write) {
    const before = changed.get(name)
    changed.set(name, kind === 'add' && before !== undefined ? `${before},${value}` : value)
  }
  return Object.fromEntries(changed)
}

/** Where a redirect leads, as Envoy composes it. */
export function locationOf(redirect: Redirect, request: RequestAttributes, matched: Matched): string {
  const scheme = redirect.scheme || request.scheme
  const asked = redirect.derivePort === 'FROM_REQUEST_PORT' ? request.port : redirect.port
  const usual = scheme === 'https' ? 443 : 80
  const port = asked && asked !== usual ? `:${asked}` : ''
  const host = redirect.authority || ownHost(request, scheme, port !== '')
  return `${scheme}://${host}${port}${pathOf(redirect, request, matched)}`
}

/** The request's own host; its port goes where another one comes, or where it was the usual one of the other scheme. */
function ownHost({ authority, scheme: before }: RequestAttributes, scheme: string, replaced: boolean): string {
  const [, host = authority, port = ''] = /^(.*?)(:\d+)?$/.exec(authority) ?? []
  const stale = before !== scheme && port === (before === 'https' ? ':443' : ':80')
  return replaced || stale ? host : authority
}

function pathOf(redirect: Redirect, { path, query }: RequestAttributes, matched: Matched): string {
  const next = redirect.uri || (redirect.prefixRewrite ? replaceMatched(path, redirect.prefixRewrite, matched) : path)
  return query === '' || next.includes('?') ? next : `${next}?${query}`
}
