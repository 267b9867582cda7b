import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Queue } from './queue.ts'

test('a queue gives back what was put in, in order, whatever the mixture', () =>
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -3000, max: 3000 }), { maxLength: 12 }), (steps) => {
      const queue = new Queue<number>()
      const model: number[] = []
      let n = 0
      for (const step of steps) {
        for (let i = 0; i < step; i++) {
          queue.push(++n)
          model.push(n)
        }
        for (let i = 0; i > step; i--) assert.equal(queue.shift(), model.shift())
        assert.equal(queue.length, model.length)
        assert.equal(queue.peek(), model[0])
        assert.deepEqual([...queue], model)
      }
    }),
  ))
