import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkSubsets } from './check.ts'
import { problemsOf, to } from './fixture.ts'
import { compileRe2 } from './re2.ts'
import { accepted, readDestinationRules, readRouteRules, rulesFor } from './read.ts'

const one = [{ route: [to('orders')] }]
const hosts = (...names: string[]): string[] =>
  readRouteRules({ hosts: names, http: one }, compileRe2).problems.map((p) => `${p.path}: ${p.message}`)

test('every problem is told at once, with its path, and what may have been meant', () => {
  const given = { hosts: ['orders'], http: [{ route: [to('orders')], match: [{ uri: { prefx: '/' } }], timout: '1s' }] }
  assert.throws(() => accepted(readRouteRules(given, compileRe2), 'routes.yaml'), {
    code: 'invalid_config',
    message:
      "routes.yaml: http[0].match[0].uri.prefx unknown field 'prefx'; did you mean 'prefix'?\n" +
      "routes.yaml: http[0].timout unknown field 'timout'; did you mean 'timeout'?",
  })
})

test('what is no object at all is refused', () => {
  for (const given of [undefined, null, 1, 'x', []]) {
    assert.equal(readRouteRules(given, compileRe2).problems.length, 1)
    assert.equal(readDestinationRules(given).problems.length, 1)
  }
})

describe('hosts', () => {
  test('names, wildcards in front and addresses are hosts', () => {
    assert.deepEqual(hosts('orders'), [])
    assert.deepEqual(hosts('orders.shop.svc.cluster.local', '*.example.com', '10.0.0.1', 'fd00::1'), [])
    assert.match(hosts('a_b')[0] ?? '', /^hosts\[0\]: 'a_b' is not a host name/)
    assert.match(hosts(`${'a.'.repeat(128)}b`)[0] ?? '', /is not a host name/)
    assert.match(hosts('a.*.com')[0] ?? '', /is not a host name/)
  })

  test('at least one is needed, and not all the world', () => {
    assert.deepEqual(hosts(), ['hosts: at least one host is required'])
    assert.deepEqual(hosts('*'), ["hosts[0]: the wildcard '*' is not allowed for calls within the mesh"])
    const gateway = { hosts: ['*'], gateways: ['shop/edge'], http: one }
    assert.deepEqual(readRouteRules(gateway, compileRe2).problems, [])
  })

  test('none may cover another', () => {
    for (const pair of [
      ['a', 'a'],
      ['*.b.com', 'x.b.com'],
      ['x.b.com', '*.com'],
      ['*.b.com', '*.com'],
      ['*.com', '*.b.com'],
    ])
      assert.match(hosts(...pair)[0] ?? '', /^hosts\[1\]: .*one covers the other/, `${pair}`)
    assert.deepEqual(hosts('*.a.com', '*.b.com', 'c'), [])
  })
})

const wrong: [sentence: string, route: object, problem: string | RegExp][] = [
  ['no action', { route: [] }, 'http[0]: needs one of route, redirect and directResponse'],
  ['a redirect beside a route', { redirect: { uri: '/' } }, 'http[0]: has both redirect and route'],
  ['a response beside a route', { directResponse: { status: 200 } }, 'http[0]: has both directResponse and route'],
  ['two mirrors', { mirror: { host: 'a' }, mirrors: [to('b')] }, 'http[0]: has both mirror and mirrors'],
  ['no destination', { route: [{}] }, 'http[0].route[0].destination: is required'],
  ['no host', { route: [{ destination: {} }] }, 'http[0].route[0].destination.host: is required'],
  ['any host', { route: [to('*')] }, "http[0].route[0].destination.host: '*' is no destination"],
  ['a negative weight', { route: [to('a', { weight: -1 })] }, 'http[0].route[0].weight: -1 is less than 0'],
  ['no weight at all', { route: [to('a'), to('b')] }, 'http[0].route: the weights of its destinations sum to 0'],
  ['a port', { route: [{ destination: { host: 'a', port: { number: 0 } } }] }, /number: 0 is not a port/],
  ['a subset', { route: [{ destination: { host: 'a', subset: 'v_2' } }] }, /'v_2' is not a name of a subset/],
  ['two kinds of match', { match: [{ uri: { exact: '/', prefix: '/' } }] }, /uri: has exact and prefix; only one/],
  ['an empty prefix', { match: [{ method: { prefix: '' } }] }, 'http[0].match[0].method.prefix: cannot be empty'],
  ['an empty pattern', { match: [{ uri: { regex: '' } }] }, 'http[0].match[0].uri.regex: cannot be empty'],
  ['a bad pattern', { match: [{ uri: { regex: '(' } }] }, /uri.regex: is not a regular expression of RE2: .*missing/],
  ['a long pattern', { match: [{ uri: { regex: 'é'.repeat(513) } }] }, /uri.regex: is too long: at most 1024 bytes/],
  [
    'a star in headers',
    { match: [{ headers: { a: { regex: '*' } } }] },
    /headers.a.regex: is not a regular expression/,
  ],
  ['a null header', { match: [{ headers: { a: null } }] }, 'http[0].match[0].headers.a: must be an object, not null'],
  ['a header name', { match: [{ withoutHeaders: { 'a b': {} } }] }, /'a b' is not a header name/],
  ['an unknown colon', { match: [{ headers: { ':x': {} } }] }, /':x' is not a header name/],
  ['claims', { match: [{ headers: { '@request.auth.claims.sub': {} } }] }, /at a gateway only/],
  ['a port of a match', { match: [{ port: 70000 }] }, 'http[0].match[0].port: 70000 is not a port: 1–65535'],
  ['labels', { match: [{ sourceLabels: { app: 'a b' } }] }, /sourceLabels.app: 'a b' is not a value of a label/],
  ['names of labels', { match: [{ sourceLabels: { '-': 'a' } }] }, /sourceLabels.-: is not a name of a label/],
  ['a namespace', { match: [{ sourceNamespace: 'a.b' }] }, /sourceNamespace: 'a.b' is not a namespace/],
  ['a gateway', { match: [{ gateways: ['a/b/c'] }] }, /gateways\[0\]: 'a\/b\/c' is not a gateway/],
  ['no attempts', { retries: { attempts: 0, retryOn: '5xx' } }, /retries: says how to retry, but attempts is 0/],
  ['less than none', { retries: { attempts: -1 } }, 'http[0].retries.attempts: cannot be less than 0'],
  [
    'a condition',
    { retries: { attempts: 1, retryOn: '5xx,gatway-error' } },
    /'gatway-error'; did you mean 'gateway-error'/,
  ],
  ['a status', { retries: { attempts: 1, retryOn: '700' } }, /unknown condition '700'/],
  ['a short timeout', { timeout: '0.1ms' }, 'http[0].timeout: must be at least 1ms'],
  ['no fault', { fault: {} }, 'http[0].fault: needs an abort or a delay'],
  ['no delay', { fault: { delay: {} } }, 'http[0].fault.delay.fixedDelay: is required'],
  ['no abort', { fault: { abort: {} } }, 'http[0].fault.abort: needs one of httpStatus and grpcStatus'],
  ['two aborts', { fault: { abort: { httpStatus: 500, grpcStatus: 'OK' } } }, /has both httpStatus and grpcStatus/],
  [
    'a low status',
    { fault: { abort: { httpStatus: 199 } } },
    'http[0].fault.abort.httpStatus: 199 is not within 200–599',
  ],
  ['a gRPC status', { fault: { abort: { grpcStatus: 'UNAVAILABEL' } } }, /did you mean 'UNAVAILABLE'/],
  [
    'a tiny share',
    { fault: { abort: { httpStatus: 500, percentage: { value: 1e-5 } } } },
    /neither 0 nor at least 0.0001/,
  ],
  ['a large share', { fault: { delay: { fixedDelay: '1s', percentage: { value: 101 } } } }, /101 is not within 0–100/],
  ['a mirror', { mirror: { host: '*' } }, "http[0].mirror.host: '*' is no destination"],
  ['a share of a mirror', { mirror: { host: 'a' }, mirrorPercentage: { value: -1 } }, /-1 is not within 0–100/],
  ['an older share', { mirror: { host: 'a' }, mirrorPercent: 200 }, 'http[0].mirrorPercent: 200 is not within 0–100'],
  ['nobody to mirror to', { mirrors: [{}] }, 'http[0].mirrors[0].destination: is required'],
  ['no rewrite', { rewrite: {} }, 'http[0].rewrite: needs a uri, a uriRegexRewrite or an authority'],
  [
    'two rewrites',
    { rewrite: { uri: '/', uriRegexRewrite: { match: 'a', rewrite: 'b' } } },
    /has both uri and uriRegex/,
  ],
  ['half a rewrite', { rewrite: { uriRegexRewrite: { match: 'a' } } }, /needs both match and rewrite/],
  [
    'a bad rewrite',
    { rewrite: { uriRegexRewrite: { match: '(', rewrite: 'b' } } },
    /uriRegexRewrite.match: is not a reg/,
  ],
  [
    'two authorities',
    { rewrite: { authority: 'a' }, headers: { request: { set: { Host: 'b' } } } },
    'http[0]: sets the authority more than once: Host and rewrite',
  ],
  ['a colon', { headers: { request: { set: { ':path': '/' } } } }, /':path' begins with a colon/],
  ['the host of an answer', { headers: { response: { set: { host: 'a' } } } }, /'host' cannot be changed here/],
  ['a removed host', { headers: { request: { remove: ['Host'] } } }, /remove\[0\]: 'Host' cannot be changed here/],
  ['no name', { headers: { request: { add: { '': 'a' } } } }, /a header name cannot be empty/],
  ['a variable', { headers: { request: { set: { a: '%HOSTNAME%' } } } }, /set.a: variables such as %HOSTNAME%/],
  ['a line break', { headers: { request: { set: { a: 'b\nc' } } } }, /set.a: holds a control character/],
  [
    'a destination’s header',
    { route: [to('a', { headers: { request: { remove: [''] } } })] },
    /route\[0\].headers.request/,
  ],
  ['CORS', { corsPolicy: {} }, /http\[0\].corsPolicy: is not supported: browsers/],
]

describe('a route is refused for', () => {
  for (const [sentence, route, problem] of wrong)
    test(sentence, () => {
      const found = problemsOf(route)
      assert.equal(found.length, 1, found.join('\n'))
      if (typeof problem === 'string') assert.equal(found[0], problem)
      else assert.match(found[0] ?? '', problem)
    })
})

const wrongRedirects: [sentence: string, redirect: object, problem: RegExp][] = [
  ['nowhere', {}, /redirect: needs a uri, an authority, a scheme or a port/],
  ['two places', { uri: '/a', prefixRewrite: '/b' }, /has both uri and prefixRewrite/],
  ['a prefix that was not matched', { prefixRewrite: '/b' }, /needs every match of a uri to be by prefix/],
  ['a code that does nothing', { uri: '/', redirectCode: 304 }, /304 is none of 301, 302, 303, 307, 308/],
  ['a scheme', { scheme: 'ftp' }, /'ftp' is neither http nor https/],
  ['a port', { port: 70000 }, /70000 is not a port/],
  ['two ports', { port: 80, derivePort: 'FROM_REQUEST_PORT' }, /has both port and derivePort/],
]

describe('a redirect is refused for', () => {
  for (const [sentence, redirect, problem] of wrongRedirects)
    test(sentence, () => {
      const found = problemsOf({ redirect, route: undefined, match: [{ uri: { exact: '/a' } }] })
      assert.equal(found.length, 1, found.join('\n'))
      assert.match(found[0] ?? '', problem)
    })
})

test('what is unusual but right is accepted', () => {
  const right: object[] = [
    { match: [{ uri: { prefix: '' } }] },
    { match: [{ withoutHeaders: { a: { regex: '*' } } }] },
    { match: [{ headers: { ':method': { exact: 'GET' } }, queryParams: { a: {} } }] },
    { retries: { attempts: 0 } },
    { retries: { attempts: 2, retryOn: 'retriable-headers, 503' } },
    { headers: { request: { set: { ':authority': 'a', b: '100%%' } } } },
    { route: [to('a', { weight: 1 }), to('b')] },
    { fault: { abort: { grpcStatus: 'OK' } } },
    { mirror: { host: '*.a.com' } },
  ]
  for (const route of right) assert.deepEqual(problemsOf(route), [], JSON.stringify(route))
})

test('a subset that nobody defines is found, with the nearest that is', () => {
  const http = [
    { route: [to('orders'), { destination: { host: 'orders', subset: 'v22' }, weight: 1 }] },
    { route: [to('orders')], mirrors: [{ destination: { host: 'stock', subset: 'v1' } }] },
    { route: [{ destination: { host: 'orders', subset: 'v2' } }] },
  ]
  const rules = accepted(readRouteRules({ hosts: ['orders'], http }, compileRe2), 'routes')
  const problems = checkSubsets(rules, (host) => (host === 'orders' ? ['v1', 'v2'] : []))
  assert.deepEqual(problems, [
    { path: 'http[0].route[1].destination.subset', message: "unknown subset 'v22'; did you mean 'v2'? (of 'orders')" },
    { path: 'http[1].mirrors[0].destination.subset', message: "unknown subset 'v1' (of 'stock')" },
  ])
})

test('rules are found by the name of the service, then by the longest wildcard; those for gateways alone are not', () => {
  const make = (host: string, more: object = {}) =>
    accepted(readRouteRules({ hosts: [host], http: one, ...more }, compileRe2), host)
  const wide = make('*.local')
  const near = make('*.shop.local')
  const exact = make('orders.shop.local')
  const gateway = make('orders.shop.local', { gateways: ['edge'] })
  const both = make('edge.shop.local', { gateways: ['edge', 'mesh'] })
  const all = [gateway, near, wide, exact, both]
  assert.equal(rulesFor('orders.shop.local', all), exact)
  assert.equal(rulesFor('stock.shop.local', all), near)
  assert.equal(rulesFor('stock.other.local', all), wide)
  assert.equal(rulesFor('edge.shop.local', all), both)
  assert.equal(rulesFor('orders', all), undefined)
})
