import assert from 'node:assert/strict'
import { test } from 'node:test'
import { afterCommit, afterConflict, mergedConflicts, withConflict } from './conflicts.ts'

test('a batch that conflicts is halved down to one event', () => {
  const sizes: number[] = []
  for (let size = 60; size > 1; size = afterConflict(size)) sizes.push(size)
  assert.deepEqual(sizes, [60, 30, 15, 7, 3])
  assert.equal(afterConflict(1), 1)
})

test('commits make batches grow again, up to where nothing limits them', () => {
  let pace = 1
  let commits = 0
  for (; pace < 60; commits++) pace = afterCommit(pace, 60)
  assert.equal(pace, Number.POSITIVE_INFINITY)
  assert.ok(commits > 10 && commits < 30, `${commits}`)
  assert.equal(afterCommit(Number.POSITIVE_INFINITY, 60), Number.POSITIVE_INFINITY)
})

const paid = { subscription: 'shop/pay', type: 'paid' }
const sold = { subscription: 'shop/stock', type: 'sold' }

test('conflicts are counted once for each type that is run again, against those in flight', () => {
  const once = withConflict([], [paid, paid], [paid, sold, sold])
  assert.deepEqual(once, [{ ...paid, reruns: 1, candidates: { 'shop/pay paid': 1, 'shop/stock sold': 1 } }])
  const twice = withConflict(once, [paid, sold], [sold])
  assert.deepEqual(twice, [
    { ...paid, reruns: 2, candidates: { 'shop/pay paid': 1, 'shop/stock sold': 2 } },
    { ...sold, reruns: 1, candidates: { 'shop/stock sold': 1 } },
  ])
})

test('figures stay bounded, however many types there are', () => {
  const many = Array.from({ length: 500 }, (_, n) => ({ subscription: 's', type: `${n}` }))
  assert.equal(withConflict([], many, []).length, 200)
})

test('the figures of several processes add up, the most frequent first', () => {
  const a = withConflict([], [paid], [sold])
  const b = withConflict(withConflict([], [sold], [paid]), [sold], [paid])
  assert.deepEqual(mergedConflicts([a, b, a]), [
    { ...paid, reruns: 2, candidates: { 'shop/stock sold': 2 } },
    { ...sold, reruns: 2, candidates: { 'shop/pay paid': 2 } },
  ])
})
