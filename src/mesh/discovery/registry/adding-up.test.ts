import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { addUp } from './adding-up.ts'
import type { ListedInstance, ListedService } from './messages.ts'

const listed = (id: string, load: number | undefined, more: Partial<ListedInstance> = {}): ListedInstance => ({
  ...{ id, service: 'orders', address: `http://${id}.test:80`, labels: {}, weight: 1, ready: true, sinceMs: 5000 },
  ...(load !== undefined && { load, loadAgeMs: 200 }),
  ...more,
})
const orders = (instances: ListedInstance[], more: Partial<ListedService> = {}): ListedService => ({
  ...{ service: 'orders', settling: false, expected: instances.length, instances },
  ...more,
})

describe('the load of a service', () => {
  test('is the sum of what its instances say, and each has its share of it', () => {
    const { size, load, ready, expected, instances, gaps } = addUp(orders([listed('a', 6), listed('b', 2)]))
    assert.deepEqual({ size, load, ready, expected, gaps }, { size: 2, load: 8, ready: 2, expected: 2, gaps: [] })
    assert.deepEqual(
      instances.map(({ share }) => share),
      [0.75, 0.25],
    )
  })

  test('has no share of those that say none, and who is replaced is not counted as ready', () => {
    const { instances, ready, size } = addUp(orders([listed('a', 4, { hiddenBy: 'b' }), listed('b', undefined)]))
    assert.deepEqual(
      instances.map(({ share }) => share),
      [1, undefined],
    )
    assert.deepEqual([ready, size], [1, 2])
  })

  test('has no shares where nothing is under way', () => {
    assert.deepEqual(
      addUp(orders([listed('a', 0)])).instances.map(({ share }) => share),
      [undefined],
    )
  })
})

const gaps: [what: string, service: ListedService, gaps: string[]][] = [
  ['nobody expects anything', orders([listed('a', 1)], { expected: undefined as never }), []],
  ['one is missing', orders([listed('a', 1)], { expected: 2 }), ['1 of 2 expected is missing']],
  ['all are missing', orders([], { expected: 3 }), ['3 of 3 expected are missing']],
  ['there are too many', orders([listed('a', 1), listed('b', 1)], { expected: 1 }), ['1 more than the 1 expected']],
  ['one is not ready', orders([listed('a', 0, { ready: false })]), ['not ready: a']],
  [
    'one is not ready and works',
    orders([listed('a', 2, { ready: false })]),
    ['not ready: a', 'a is not ready, yet 2 are under way there'],
  ],
  ['nobody takes new work', orders([listed('a', 0, { weight: 0 })]), ['nobody has a weight above 0']],
  [
    'they disagree',
    orders([listed('a', 1, { expected: 3 }), listed('b', 1, { expected: 2 })]),
    ['instances expect different numbers: 2, 3'],
  ],
  [
    'two are at one address',
    orders([listed('a', 1, { hiddenBy: 'b' }), listed('b', 1)]),
    ['a and b both say http://a.test:80: only b gets calls'],
  ],
  [
    'some say no load',
    orders(['a', 'b', 'c', 'd'].map((id) => listed(id, undefined))),
    ['L is too low: a, b, c and 1 more say no load'],
  ],
  ['a load is old', orders([listed('a', 1, { loadAgeMs: 3001 })]), ['the load is an old one of a']],
  [
    'the registry has just begun',
    orders([listed('a', 1)], { settling: true }),
    ['the registry has just begun: some may not have come back yet'],
  ],
]

describe('what does not add up is named when', () => {
  for (const [what, service, expected] of gaps) test(what, () => assert.deepEqual(addUp(service).gaps, expected))
})
