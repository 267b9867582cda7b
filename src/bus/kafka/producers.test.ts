import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SkerryError } from '../../errors.ts'
import type { Batch } from '../bus.ts'
import { Producers, type Sending } from './producers.ts'

const batch = (after: number, count: number, frame = 'x', producer = 'p'): Batch => ({
  ...{ stream: 's', producer, after, first: after + 1, count, frame },
})

/** Sends wait until they are let through, or made to fail. */
function held() {
  const sent: (Sending & { pass: () => void; fail: () => void })[] = []
  const producers = new Producers((sending) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    sent.push({ ...sending, pass: resolve, fail: () => reject(new SkerryError('unavailable', 'away')) })
    return promise
  })
  return { sent, producers }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('producers', () => {
  test('one append of a producer is on its way at a time, in the order of the calls; other producers do not wait', async () => {
    const { sent, producers } = held()
    const all = [producers.append(batch(0, 2)), producers.append(batch(2, 1)), producers.append(batch(0, 1, 'x', 'q'))]
    await turn()
    assert.deepEqual(
      sent.map(({ batch: { producer, after } }) => [producer, after]),
      [
        ['p', 0],
        ['q', 0],
      ],
    )
    sent[0]?.pass()
    await turn()
    assert.equal(sent[2]?.batch.after, 2)
    for (const one of sent) one.pass()
    await Promise.all(all)
  })

  test('what stood behind a batch that failed is refused, and the batch may be sent again', async () => {
    const { sent, producers } = held()
    const all = [producers.append(batch(0, 2)), producers.append(batch(2, 1))]
    await turn()
    sent[0]?.fail()
    await assert.rejects(all[0] as Promise<void>, { code: 'unavailable' })
    await assert.rejects(all[1] as Promise<void>, { code: 'conflict' })
    const again = producers.append(batch(0, 2))
    await turn()
    sent[1]?.pass()
    await again
    assert.equal(sent.length, 2)
  })

  test('what is there already is not sent again; a batch that overlaps says how much is there', async () => {
    const { sent, producers } = held()
    const first = producers.append(batch(7, 3))
    await turn()
    sent[0]?.pass()
    await first
    await producers.append(batch(7, 2))
    const overlapping = producers.append(batch(8, 5))
    await turn()
    assert.deepEqual([sent.length, sent[1]?.above, sent[1]?.anew], [2, 10, true])
    sent[1]?.pass()
    await overlapping
  })

  test('a producer that somebody else may have written for is looked at anew', async () => {
    const { sent, producers } = held()
    for (const [after, anew] of [
      [0, true],
      [1, false],
      [2, false],
    ] as const) {
      const appended = producers.append(batch(after, 1))
      await turn()
      assert.equal(sent.at(-1)?.anew, anew)
      sent.at(-1)?.pass()
      await appended
    }
  })

  test('what waits is bounded: one more is refused with overloaded', async () => {
    const { sent, producers } = held()
    const large = 'x'.repeat(20 * 1024 * 1024)
    const first = producers.append(batch(0, 1, large))
    await assert.rejects(producers.append(batch(1, 1, large)), { code: 'overloaded' })
    await assert.rejects(producers.append(batch(2, 1)), { code: 'conflict' })
    await turn()
    sent[0]?.pass()
    await first
  })

  test('wrong numbers are refused', async () => {
    const { producers } = held()
    await assert.rejects(producers.append({ ...batch(5, 1), first: 5 }), { code: 'invalid_config' })
    await assert.rejects(producers.append(batch(0, 0)), { code: 'invalid_config' })
  })
})
