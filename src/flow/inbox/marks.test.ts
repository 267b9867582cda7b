import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judge } from './marks.ts'

test('of what comes again, only what is numbered above the mark is new', () => {
  const { fresh, mark } = judge({ number: 5 }, { numbers: [4, 5, 6, 7] })
  assert.deepEqual(fresh, [false, false, true, true])
  assert.equal(mark.number, 7)
})

test('an old message that comes last moves no mark back', () => {
  const { fresh, mark } = judge({ number: 9 }, { numbers: [3] })
  assert.deepEqual([fresh, mark.number], [[false], 9])
})

test('numbers that a producer had sent before, and that never came, are missing', () => {
  assert.deepEqual(judge({ number: 5 }, { numbers: [9], after: 8 }).missing, [6, 8])
})

test('numbers that a producer left out are not missing, nor is what came before it was heard of', () => {
  assert.equal(judge({ number: 5 }, { numbers: [9], after: 5 }).missing, undefined)
  assert.equal(judge(undefined, { numbers: [9], after: 8 }).missing, undefined)
})

test('where sources are several, each lane has its own mark', () => {
  const first = judge(undefined, { numbers: [2, 4], lanes: [7, 7] })
  assert.deepEqual(first.fresh, [true, true])
  const second = judge(first.mark, { numbers: [1, 3, 4], lanes: [0, 0, 7] })
  assert.deepEqual(second.fresh, [true, true, false])
  assert.equal(second.mark.number, 4)
  assert.deepEqual([second.mark.lanes?.[0], second.mark.lanes?.[7]], [3, 4])
})

test('a producer that came by one source and now by several keeps what it had reached', () => {
  assert.deepEqual(judge({ number: 5 }, { numbers: [5, 6], lanes: [1, 2] }).fresh, [false, true])
})
