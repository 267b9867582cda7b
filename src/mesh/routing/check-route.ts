import { statusOfGrpc } from './fault.ts'
import { type Problem, unknown } from './fields.ts'
import { checkChangedHeader, checkHeaderValue, checkHost, checkPort, isAuthority, isLabel } from './names.ts'
import { type CompilePattern, checkPattern } from './pattern.ts'
import { retryConditions } from './retries.ts'
import type { DestinationRef, Fault, Headers, HttpRoute, Percent, Redirect, Retries } from './rules.ts'

/** What Istio's validation says of one route, but for its matches. */
export function checkRoute(route: HttpRoute, path: string, compile: CompilePattern, problems: Problem[]): void {
  const say = (at: string, message: string): void => void problems.push({ path: at, message })
  checkConflicts(route, path, say)
  checkDestinations(route, path, problems)
  if (route.headers) checkHeaders(route.headers, `${path}.headers`, problems)
  if (route.fault) checkFault(route.fault, `${path}.fault`, say)
  checkMirrors(route, path, problems)
  if (route.redirect) checkRedirect(route.redirect, route, `${path}.redirect`, problems)
  if (route.directResponse) checkStatus(route.directResponse.status ?? 0, `${path}.directResponse.status`, say)
  if ((route.directResponse?.body?.string ?? '').length > 1_048_576)
    say(`${path}.directResponse.body.string`, 'is larger than 1 MB')
  if (route.retries) checkRetries(route.retries, `${path}.retries`, say)
  checkRewrite(route, path, compile, problems)
}

type Say = (path: string, message: string) => void

function checkConflicts(route: HttpRoute, path: string, say: Say): void {
  const kinds = (['redirect', 'directResponse'] as const).filter((kind) => route[kind])
  const [kind] = kinds
  if (kinds.length > 1) say(path, 'has both redirect and directResponse')
  if (kind)
    for (const other of ['route', 'fault', 'rewrite'] as const) {
      const given = route[other]
      if (Array.isArray(given) ? given.length > 0 : given) say(path, `has both ${kind} and ${other}`)
    }
  else if (!route.route?.length) say(path, 'needs one of route, redirect and directResponse')
  if (route.mirror && route.mirrors?.length) say(path, 'has both mirror and mirrors')
}

function checkDestinations(route: HttpRoute, path: string, problems: Problem[]): void {
  const all = route.route ?? []
  for (const [i, one] of all.entries()) {
    const at = `${path}.route[${i}]`
    if (one.destination) checkDestination(one.destination, `${at}.destination`, problems)
    else problems.push({ path: `${at}.destination`, message: 'is required' })
    if ((one.weight ?? 0) < 0) problems.push({ path: `${at}.weight`, message: `${one.weight} is less than 0` })
    if (one.headers) checkHeaders(one.headers, `${at}.headers`, problems)
  }
  if (all.length > 1 && all.reduce((sum, one) => sum + (one.weight ?? 0), 0) === 0)
    problems.push({ path: `${path}.route`, message: 'the weights of its destinations sum to 0' })
}

function checkDestination(to: DestinationRef, path: string, problems: Problem[]): void {
  if (!to.host) problems.push({ path: `${path}.host`, message: 'is required' })
  else if (to.host === '*') problems.push({ path: `${path}.host`, message: "'*' is no destination" })
  else checkHost(to.host, `${path}.host`, problems)
  if (to.subset && !isLabel(to.subset))
    problems.push({ path: `${path}.subset`, message: `'${to.subset}' is not a name of a subset` })
  if (to.port) checkPort(to.port.number ?? 0, `${path}.port.number`, problems)
}

function checkHeaders(headers: Headers, path: string, problems: Problem[]): void {
  for (const side of ['request', 'response'] as const)
    for (const operation of ['set', 'add', 'remove'] as const) {
      const given = headers[side]?.[operation]
      const at = `${path}.${side}.${operation}`
      if (Array.isArray(given))
        for (const [i, name] of given.entries()) checkChangedHeader(name, false, `${at}[${i}]`, problems)
      else
        for (const [name, value] of Object.entries((given ?? {}) as Readonly<Record<string, string>>)) {
          checkChangedHeader(name, side === 'request', `${at}.${name}`, problems)
          checkHeaderValue(value, `${at}.${name}`, problems)
        }
    }
}

function checkFault(fault: Fault, path: string, say: Say): void {
  const { delay, abort } = fault
  if (!delay && !abort) say(path, 'needs an abort or a delay')
  if (delay) {
    if (delay.fixedDelay === undefined) say(`${path}.delay.fixedDelay`, 'is required')
    checkPercent(delay.percentage, `${path}.delay.percentage`, 0.0001, say)
  }
  if (!abort) return
  checkPercent(abort.percentage, `${path}.abort.percentage`, 0.0001, say)
  if (abort.grpcStatus !== undefined && abort.httpStatus !== undefined)
    say(`${path}.abort`, 'has both httpStatus and grpcStatus')
  if (abort.grpcStatus !== undefined && !statusOfGrpc.has(abort.grpcStatus))
    say(`${path}.abort.grpcStatus`, unknown('status', abort.grpcStatus, [...statusOfGrpc.keys()]))
  if (abort.httpStatus !== undefined) checkStatus(abort.httpStatus, `${path}.abort.httpStatus`, say)
  if (abort.grpcStatus === undefined && abort.httpStatus === undefined)
    say(`${path}.abort`, 'needs one of httpStatus and grpcStatus')
}

function checkPercent(percent: Percent | undefined, path: string, least: number, say: Say): void {
  const value = percent?.value ?? 0
  if (value < 0 || value > 100) say(`${path}.value`, `${value} is not within 0–100`)
  else if (value > 0 && value < least) say(`${path}.value`, `${value} is neither 0 nor at least ${least}`)
}

function checkStatus(status: number, path: string, say: Say): void {
  if (status < 200 || status > 599) say(path, `${status} is not within 200–599`)
}

function checkMirrors(route: HttpRoute, path: string, problems: Problem[]): void {
  const say: Say = (at, message) => void problems.push({ path: at, message })
  if (route.mirror) checkDestination(route.mirror, `${path}.mirror`, problems)
  checkPercent(route.mirrorPercentage, `${path}.mirrorPercentage`, 0, say)
  if ((route.mirrorPercent ?? 0) < 0 || (route.mirrorPercent ?? 0) > 100)
    say(`${path}.mirrorPercent`, `${route.mirrorPercent} is not within 0–100`)
  for (const [i, one] of (route.mirrors ?? []).entries()) {
    if (one.destination) checkDestination(one.destination, `${path}.mirrors[${i}].destination`, problems)
    else say(`${path}.mirrors[${i}].destination`, 'is required')
    checkPercent(one.percentage, `${path}.mirrors[${i}].percentage`, 0, say)
  }
}

const redirectCodes = [301, 302, 303, 307, 308]

function checkRedirect(redirect: Redirect, route: HttpRoute, path: string, problems: Problem[]): void {
  const say: Say = (at, message) => void problems.push({ path: at, message })
  const { uri, prefixRewrite, authority, scheme, port, derivePort, redirectCode } = redirect
  if (uri && prefixRewrite) say(path, 'has both uri and prefixRewrite')
  else if (prefixRewrite && route.match?.some((m) => m.uri && m.uri.prefix === undefined))
    say(`${path}.prefixRewrite`, 'needs every match of a uri to be by prefix')
  if (!uri && !prefixRewrite && !authority && !scheme && port === undefined && derivePort === undefined)
    say(path, 'needs a uri, an authority, a scheme or a port')
  if (port !== undefined && derivePort !== undefined) say(path, 'has both port and derivePort')
  // Istio admits any 3xx, and gives the route no action then: all requests would fail.
  if (redirectCode && !redirectCodes.includes(redirectCode))
    say(`${path}.redirectCode`, `${redirectCode} is none of ${redirectCodes.join(', ')}`)
  if (scheme && scheme !== 'http' && scheme !== 'https') say(`${path}.scheme`, `'${scheme}' is neither http nor https`)
  if (port) checkPort(port, `${path}.port`, problems)
}

function checkRetries(retries: Retries, path: string, say: Say): void {
  const { attempts = 0, perTryTimeout, retryOn } = retries
  if (attempts < 0) say(`${path}.attempts`, 'cannot be less than 0')
  if (attempts === 0 && (perTryTimeout !== undefined || retryOn))
    say(path, 'says how to retry, but attempts is 0, which turns retries off')
  for (const one of retryOn ? retryOn.split(',').map((part) => part.trim()) : []) {
    const status = /^\d{3}$/.test(one) && Number(one) >= 100 && Number(one) < 600
    if (one !== '' && !status && !retryConditions.includes(one))
      say(`${path}.retryOn`, unknown('condition', one, retryConditions))
  }
}

function checkRewrite(route: HttpRoute, path: string, compile: CompilePattern, problems: Problem[]): void {
  const { rewrite } = route
  const say: Say = (at, message) => void problems.push({ path: at, message })
  if (rewrite) {
    const { uri, uriRegexRewrite: regex, authority } = rewrite
    if (uri && regex) say(`${path}.rewrite`, 'has both uri and uriRegexRewrite')
    if (!uri && !regex && !authority) say(`${path}.rewrite`, 'needs a uri, a uriRegexRewrite or an authority')
    if (regex && (!regex.match || !regex.rewrite))
      say(`${path}.rewrite.uriRegexRewrite`, 'needs both match and rewrite')
    else if (regex?.match) checkPattern(regex.match, `${path}.rewrite.uriRegexRewrite.match`, compile, problems)
  }
  const { set = {}, add = {} } = route.headers?.request ?? {}
  const names = [...Object.keys(set), ...Object.keys(add)].filter(isAuthority)
  if (names.length + (rewrite?.authority ? 1 : 0) > 1)
    say(path, `sets the authority more than once: ${names.join(', ')}${rewrite?.authority ? ' and rewrite' : ''}`)
}
