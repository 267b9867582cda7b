import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Cell, Report, Strictness } from '../independence/check/report.ts'
import { annotationLines } from './annotations.ts'

const folders = { working: '/work/shop', root: '/work' }
const lax: Strictness = { strict: false, claims: [] }
const cell: Cell = {
  ...{ service: 'orders', a: 'shop.placed', b: 'shop.cancelled', level: 'commuting', as: 'contract' },
  ...{ verdict: 'dependent', declared: false, reachable: true, trials: 40, touched: 40, example: 7 },
}
const example: Report['examples'][number] = {
  ...{ number: 7, level: 'commuting', service: 'orders', before: [] },
  schedules: [
    ['shop.placed {"n":"50%"}', 'shop.cancelled {}'],
    ['shop.cancelled {}', 'shop.placed {"n":"50%"}'],
  ],
  firstRead: { site: 'orders/a,b.ts:31', text: 'select', left: '1 row', right: 'none' },
  ...{ rows: [], emitted: [[], []], became: [[], []], outside: [[], []] },
}
const handlers = [{ service: 'orders', event: 'shop.cancelled', site: 'orders/cancel.ts:9' }]
const report: Report = {
  ...{
    name: 'shop',
    seed: 7,
    cells: [cell],
    left: [],
    examples: [example],
    handlers,
    unrun: [],
    troubles: [],
    problems: [],
  },
  wholes: { sets: 0, schedules: 0, sampled: 0, findings: [] },
  ...{ covered: undefined, recorded: undefined, claims: [], pairs: 1, deliveries: 1, ms: 1 },
}
const lines = (changed: Partial<Report>, strictness = lax): string[] =>
  annotationLines({ ...report, ...changed }, strictness, folders)

test('a dependence stands at the first read that differs, named from the root, on one line', () => {
  const [line = '', ...more] = lines({})
  assert.deepEqual(more, [])
  assert.match(
    line,
    /^::error file=shop\/orders\/a%2Cb\.ts,line=31,title=orders%3A shop\.placed × shop\.cancelled do not commute::/,
  )
  assert.match(line, /::commuting, reachable%0A/)
  assert.match(line, /"50%25"/)
  assert.match(line, /%0A {3}replay {3}skerry check shop --replay 7:7$/)
  assert.doesNotMatch(line, /\n/)
})

test('without such a read it stands at the first statement of a handler', () => {
  const levels = lines({ cells: [{ ...cell, level: 'invariant', example: null }] })
  assert.match(levels.join(), /^::error file=shop\/orders\/cancel\.ts,line=9,title=orders%3A .* break an invariant::/)
  assert.match(lines({ cells: [{ ...cell, example: null }], handlers: [] }).join(), /^::error title=orders%3A/)
})

test('what is only possible is a warning, unless it counts', () => {
  const cells = [{ ...cell, reachable: false }]
  assert.match(lines({ cells }).join(), /^::warning file=.*::commuting, possible%0A/)
  assert.match(lines({ cells }, { ...lax, strict: true }).join(), /^::error /)
})

test('a level is shown where it is claimed, and a dependence where it is not declared', () => {
  const cells: Cell[] = [{ ...cell, level: 'republication' }]
  assert.deepEqual(lines({ cells }), [])
  assert.equal(lines({ cells }, { strict: false, claims: [{ level: 'republication' }] }).length, 1)
  assert.deepEqual(
    lines({
      cells: [
        { ...cell, verdict: 'declared' },
        { ...cell, as: 'unordered' },
      ],
    }),
    [],
  )
})

test('what cannot be checked, and what goes wrong with all services together, is an error, too', () => {
  const trouble = {
    reader: 'orders/orders',
    type: 'shop.placed',
    kind: 'ambient',
    what: 'uses x',
    site: 'o.ts:2',
  } as const
  const finding = { kind: 'stuck', what: 'it gives up', first: ['one'], order: ['two'], sampled: false } as const
  const all = lines({
    cells: [],
    troubles: [trouble],
    problems: ['a: b'],
    wholes: { ...report.wholes, findings: [finding] },
  })
  assert.deepEqual(all, [
    '::error file=shop/o.ts,line=2,title=orders/orders on shop.placed cannot be checked::it uses x; nothing is said about it',
    '::error title=all services together%3A stuck::it gives up%0Apublished%0Aone%0Ahandled%0Atwo',
    '::error title=skerry check shop::a: b',
  ])
})
