import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Touch } from './touches.ts'
import { Counts, type Tried } from './window.ts'

let causes = 0

function tried(kind: string, given: Partial<Tried> = {}): Tried {
  const cause = `cause ${causes++}`
  return { kind, key: cause, correlation: cause, failed: false, touches: [], ...given }
}

const failed = { failed: true }

function pairsOf(...windows: Tried[][]) {
  const counts = new Counts()
  for (const window of windows) counts.addWindow(window)
  return new Map(counts.pairs.map((pair) => [`${pair.a} ${pair.b}`, pair]))
}

describe('a window', () => {
  test('gives each pair of kinds one unit, of the first of each', () => {
    const pairs = pairsOf([tried('a'), tried('b', failed), tried('a', failed), tried('b')])
    assert.deepEqual(pairs.get('a b')?.['same-moment'], [[4, 0, 0, 1, 0]])
    assert.deepEqual(pairs.get('a a')?.['same-moment'], [[4, 0, 0, 1, 0]])
    assert.deepEqual(pairs.get('a b')?.['same-key'], [])
  })

  test('names a pair in one order only', () => {
    const pairs = pairsOf([tried('b', failed), tried('a')], [tried('a'), tried('b', failed)])
    assert.deepEqual([...pairs.keys()], ['a b'])
    assert.deepEqual(pairs.get('a b')?.['same-moment'], [[2, 0, 0, 2, 0]])
  })

  test('keeps apart what is about the same thing and what is not', () => {
    const pairs = pairsOf([tried('a', { key: 'k', failed: true }), tried('b', { key: 'k', failed: true }), tried('b')])
    assert.deepEqual(pairs.get('a b')?.['same-key'], [[3, 1, 0, 0, 0]])
    assert.deepEqual(pairs.get('a b')?.['same-moment'], [[3, 0, 1, 0, 0]])
  })

  test('takes the first two that are about the same thing', () => {
    const about = (kind: string, key: string, failed = false): Tried => tried(kind, { key, failed })
    const pairs = pairsOf([about('a', 'k'), about('b', 'l', true), about('b', 'k', true), about('a', 'l')])
    assert.deepEqual(pairs.get('a b')?.['same-key'], [[4, 0, 0, 1, 0]])
    const other = pairsOf([about('a', 'k'), about('b', 'l', true), about('a', 'l', true), about('b', 'k')])
    assert.deepEqual(other.get('a b')?.['same-key'], [[4, 1, 0, 0, 0]])
  })

  test('takes events of one cause for events about the same thing', () => {
    const pairs = pairsOf([tried('a', { correlation: 'c' }), tried('b', { correlation: 'c' })])
    assert.deepEqual(pairs.get('a b')?.['same-key'], [[2, 0, 0, 0, 1]])
    assert.deepEqual(pairs.get('a b')?.['same-moment'], [])
  })

  test('counts by class of load', () => {
    const pairs = pairsOf(
      [tried('a'), tried('b')],
      [tried('a'), tried('b'), ...Array.from({ length: 14 }, () => tried('a'))],
    )
    assert.deepEqual(pairs.get('a b')?.['same-moment'], [
      [2, 0, 0, 0, 1],
      [8, 0, 0, 0, 1],
    ])
  })

  test('with 100 kinds stays within bounds', () => {
    const kinds = Array.from({ length: 100 }, (_, i) => tried(`kind ${i}`))
    assert.equal(pairsOf(kinds).size, (64 * 63) / 2)
  })
})

const row = (table: string, id: string, writes = true): Touch => ({
  target: { table, writes, columns: ['id'], values: [0], whole: true },
  value: id,
})
const line = (order: string, sku: string, writes = true): Touch => ({
  target: { table: 'line', writes, columns: ['order', 'sku'], values: [0, 1], whole: true },
  value: `${order}\u001f${sku}`,
})
const linesOf = (order: string): Touch => ({
  target: { table: 'line', writes: false, columns: ['order'], values: [0], whole: false },
  value: order,
})
const all = (table: string, writes: boolean): Touch => ({
  target: { table, writes, columns: [], values: [], whole: false },
  value: '',
})

/** Whether two events meet: on a row, perhaps, or not. */
function meeting(a: Touch[], b: Touch[], kinds: [string, string] = ['a', 'b']): string {
  const pairs = pairsOf([tried(kinds[0], { touches: a }), tried(kinds[1], { touches: b })])
  const { rows, possible, windows } = pairs.get(kinds.join(' '))?.conflicts ?? assert.fail()
  assert.equal(windows, 1)
  return rows > 0 ? 'row' : possible > 0 ? 'perhaps' : 'no'
}

describe('two events meet', () => {
  test('on a row that both touch and one writes', () => {
    assert.equal(meeting([row('t', '1')], [row('t', '1', false)]), 'row')
    assert.equal(meeting([row('t', '1', false)], [row('t', '1', false)]), 'no')
    assert.equal(meeting([row('t', '1')], [row('t', '2')]), 'no')
    assert.equal(meeting([row('t', '1')], [row('u', '1')]), 'no')
  })

  test('when they are of one kind, but no event meets itself', () => {
    assert.equal(meeting([row('t', '1')], [row('t', '1')], ['a', 'a']), 'row')
    assert.equal(meeting([row('t', '1'), row('t', '1', false), all('t', false)], [row('u', '1')], ['a', 'a']), 'no')
  })

  test('where one knows a part of the key and the other all of it', () => {
    assert.equal(meeting([line('1', 'x')], [linesOf('1')]), 'row')
    assert.equal(meeting([linesOf('1')], [line('2', 'x')]), 'no')
    assert.equal(meeting([linesOf('1')], [line('1', 'x', false)]), 'no')
  })

  test('perhaps, where one does not say which rows', () => {
    assert.equal(meeting([all('t', false)], [row('t', '1')]), 'perhaps')
    assert.equal(meeting([all('t', false)], [row('t', '1', false)]), 'no')
    assert.equal(meeting([all('t', true)], [all('t', false)]), 'perhaps')
  })

  test('once in a window, with the tables named', () => {
    const touches = [row('t', '1'), row('u', '1')]
    const pairs = pairsOf([tried('a', { touches }), tried('b', { touches }), tried('b', { touches })])
    assert.deepEqual(pairs.get('a b')?.conflicts, { windows: 1, rows: 1, possible: 0, reruns: 0, tables: ['t', 'u'] })
  })
})
