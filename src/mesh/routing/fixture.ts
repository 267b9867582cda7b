import type { RequestAttributes } from '../request.ts'
import { defaultCallRetry } from '../resilience/retry.ts'
import { compileRe2 } from './re2.ts'
import { accepted, readRouteRules } from './read.ts'
import { type Compiling, compileRoutes, decideRoute, type RouteDecision } from './table.ts'

export function request(path = '/', changes: Partial<RequestAttributes> = {}): RequestAttributes {
  const [plain = '/', query = ''] = path.split('?')
  const usual = { service: 'orders', method: 'GET', scheme: 'http', authority: 'orders', headers: {} } as const
  return { ...usual, path: plain, query, ...changes }
}

export const compiling: Compiling = {
  source: { labels: { app: 'shop', version: 'v1' }, namespace: 'shop' },
  compile: compileRe2,
  retry: defaultCallRetry,
}

export const to = (host: string, more: object = {}): object => ({ destination: { host }, ...more })

/** What becomes of a request under these routes, which must be valid. */
export function decide(
  http: readonly object[],
  one: RequestAttributes,
  random: () => number = () => 0,
  how: Partial<Compiling> = {},
): RouteDecision | undefined {
  const rules = accepted(readRouteRules({ hosts: ['orders'], http }, compileRe2), 'routes')
  return decideRoute(compileRoutes(rules, { ...compiling, ...how }), one, random)
}

/** The host to which a request goes; `none` where no route matches. */
export function goesTo(http: readonly object[], one: RequestAttributes): string | undefined {
  const decision = decide(http, one)
  return decision?.kind === 'forward' ? decision.destination.host : (decision?.kind ?? 'none')
}

/** The problems of one route beside a host that is right, as lines. */
export function problemsOf(route: object, beside: object = {}): string[] {
  const { problems } = readRouteRules(
    { hosts: ['orders'], http: [{ route: [to('orders')], ...route }], ...beside },
    compileRe2,
  )
  return problems.map(({ path, message }) => `${path}: ${message}`)
}
