import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RouteMatch } from '../routing/rules.ts'
import { covers } from './covered.ts'

const uri = (match: object, more: object = {}): RouteMatch => ({ uri: match, ...more }) as RouteMatch

test('a route takes all that another one would when it asks for less', () => {
  const pairs: [earlier: RouteMatch | undefined, later: RouteMatch | undefined][] = [
    [undefined, uri({ exact: '/a' })],
    [undefined, undefined],
    [uri({ prefix: '/a' }), uri({ exact: '/a/b' })],
    [uri({ prefix: '/a' }), uri({ prefix: '/ab' }, { method: { exact: 'GET' } })],
    [uri({ prefix: '/a' }, { ignoreUriCase: true }), uri({ exact: '/AB' })],
    [uri({ regex: '/a.*' }), uri({ regex: '/a.*' })],
    [{ headers: { a: { exact: '1' } } }, { headers: { b: {}, a: { exact: '1' } } }],
  ] as never
  for (const [earlier, later] of pairs) assert.ok(covers(earlier, later), JSON.stringify([earlier, later]))
})

test('and not when it asks for anything that the other one does not', () => {
  const pairs: [earlier: RouteMatch | undefined, later: RouteMatch | undefined][] = [
    [uri({ exact: '/a' }), undefined],
    [uri({ exact: '/a' }), uri({ prefix: '/a' })],
    [uri({ prefix: '/a/' }), uri({ prefix: '/a' })],
    [uri({ prefix: '/a' }), uri({ exact: '/ab' }, { ignoreUriCase: true })],
    [uri({ prefix: '/a' }, { method: { exact: 'GET' } }), uri({ exact: '/a' })],
    [uri({ prefix: '/a' }), uri({ regex: '/a.*' })],
    [{ headers: { a: { exact: '1' } } }, { headers: { a: { exact: '2' } } }],
    [{ queryParams: { a: { exact: '1' } } }, { headers: { a: { exact: '1' } } }],
  ] as never
  for (const [earlier, later] of pairs) assert.ok(!covers(earlier, later), JSON.stringify([earlier, later]))
})
