import type { RequestAttributes, Source } from '../request.ts'
import type { CompilePattern, Pattern } from './pattern.ts'
import type { RouteMatch, StringMatch } from './rules.ts'

/** True when a request fulfils every condition of a match. */
export type Matches = (request: RequestAttributes) => boolean

/** Which part of the path a rewrite replaces: all of it, or the prefix that was matched. */
export type Matched = { readonly kind: 'prefix'; readonly length: number } | { readonly kind: 'whole' }

/** A test of a value, or of its being there at all. */
export type TextTest =
  | { readonly kind: 'present' }
  | { readonly kind: 'value'; readonly test: (value: string) => boolean }

/** Nothing set, and the pattern `*`, ask for presence. */
export function textTest(of: StringMatch, compile: CompilePattern): TextTest {
  const { exact, prefix, regex } = of
  if (exact !== undefined) return { kind: 'value', test: (value) => value === exact }
  if (prefix !== undefined) return { kind: 'value', test: (value) => value.startsWith(prefix) }
  if (regex === undefined || regex === '*') return { kind: 'present' }
  const pattern: Pattern = compile(regex)
  return { kind: 'value', test: (value) => pattern.matches(value) }
}

/** Whether a match can ever be fulfilled by this client: a match for certain gateways looks at nothing else of the source. */
export function concerns(match: RouteMatch, source: Source): boolean {
  if (match.gateways?.length) return match.gateways.includes('mesh')
  const labels = Object.entries(match.sourceLabels ?? {})
  if (!labels.every(([name, value]) => source.labels[name] === value)) return false
  return !match.sourceNamespace || match.sourceNamespace === source.namespace
}

/** One condition of a match, and how to say it. */
export interface Condition {
  /** `uri prefix '/orders'`, `header x-user is there` */
  readonly says: string
  readonly holds: Matches
}

/** All conditions of a match; the cheap ones come first. */
export function conditionsOf(match: RouteMatch, compile: CompilePattern): readonly Condition[] {
  const all: Condition[] = []
  const add = (what: string, of: StringMatch, holds: Matches): void =>
    void all.push({ says: `${what} ${wordsOf(of)}`, holds })
  if (match.port) all.push({ says: `port ${match.port}`, holds: (request) => request.port === match.port })
  for (const part of ['method', 'scheme', 'authority'] as const) {
    const of = match[part]
    if (of)
      add(
        part,
        of,
        passes((request) => request[part], textTest(of, compile)),
      )
  }
  if (match.uri) add('uri', match.uri, pathTest(match.uri, match.ignoreUriCase === true, compile))
  for (const [name, of] of Object.entries(match.headers ?? {}))
    add(`header ${name}`, of, passes(headerValue(name), textTest(of, compile)))
  for (const [name, of] of Object.entries(match.withoutHeaders ?? {}))
    add(`not: header ${name}`, of, fails(headerValue(name), textTest(of, compile)))
  for (const [name, of] of Object.entries(match.queryParams ?? {}))
    add(
      `query ${name}`,
      of,
      passes((request) => parameter(request.query, name), textTest(of, compile)),
    )
  return all
}

function wordsOf({ exact, prefix, regex }: StringMatch): string {
  if (exact !== undefined) return `'${exact}'`
  if (prefix !== undefined) return `prefix '${prefix}'`
  return regex === undefined || regex === '*' ? 'is there' : `~ ${regex}`
}

/** All conditions of a match, compiled once. */
export function compileMatch(match: RouteMatch, compile: CompilePattern): Matches {
  const tests = conditionsOf(match, compile).map(({ holds }) => holds)
  return (request) => {
    for (const test of tests) if (!test(request)) return false
    return true
  }
}

type Value = (request: RequestAttributes) => string | undefined

function passes(value: Value, test: TextTest): Matches {
  if (test.kind === 'present') return (request) => value(request) !== undefined
  return (request) => {
    const found = value(request)
    return found !== undefined && test.test(found)
  }
}

/** What must not be there; a missing one counts as empty where a value is asked for. */
function fails(value: Value, test: TextTest): Matches {
  if (test.kind === 'present') return (request) => value(request) === undefined
  return (request) => !test.test(value(request) ?? '')
}

/** Case matters, unless it is to be ignored; in patterns it matters always. A prefix is one of text, not of path segments. */
function pathTest(of: StringMatch, ignoreCase: boolean, compile: CompilePattern): Matches {
  const { exact, prefix } = of
  if (!ignoreCase || (exact === undefined && prefix === undefined))
    return passes((request) => request.path, textTest(of, compile))
  const lower = (exact ?? prefix ?? '').toLowerCase()
  return ({ path }) =>
    exact !== undefined ? path.toLowerCase() === lower : path.slice(0, lower.length).toLowerCase() === lower
}

function headerValue(name: string): Value {
  const lower = name.toLowerCase()
  if (lower === ':method') return (request) => request.method
  if (lower === ':scheme') return (request) => request.scheme
  if (lower === ':authority' || lower === 'host') return (request) => request.authority
  if (lower === ':path') return ({ path, query }) => (query === '' ? path : `${path}?${query}`)
  return (request) => (Object.hasOwn(request.headers, lower) ? request.headers[lower] : undefined)
}

/** The first value of a parameter, as it stands: Envoy does not decode it. */
function parameter(query: string, name: string): string | undefined {
  for (const part of query.split('&')) {
    const at = part.indexOf('=')
    if ((at < 0 ? part : part.slice(0, at)) === name && part !== '') return at < 0 ? '' : part.slice(at + 1)
  }
  return undefined
}

/** What a path rewrite replaces after this match; without one it is the slash that every path begins with. */
export function matchedPart(match: RouteMatch | undefined): Matched {
  if (match?.uri?.exact !== undefined || match?.uri?.regex !== undefined) return { kind: 'whole' }
  return { kind: 'prefix', length: match?.uri?.prefix?.length ?? 1 }
}
