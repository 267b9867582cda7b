import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeFrame } from '../../frame.ts'
import { sample } from '../conformance/fixture.ts'
import type { Row } from './database.ts'
import { Reader } from './reader.ts'

const credit = { events: 100, bytes: 100_000 }
const end = (head: number, cut = 0, term = '1.x'): Row => ({ place: String(head), events: cut, body: term })
const row = (place: number, ...ids: string[]): Row => ({
  ...{ place: String(place), events: ids.length },
  body: encodeFrame(ids.map((id) => sample(id))),
})

/** A reader whose questions are answered by hand. */
function asked() {
  const questions: { from: number; answer: (...rows: Row[]) => void }[] = []
  const reader = new Reader({
    place: 'here',
    load: (_stream, from) => new Promise((resolve) => questions.push({ from, answer: (...rows) => resolve(rows) })),
  })
  return { reader, questions }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const idsOf = ({ events }: { events: readonly { record: { id: string } }[] }) => events.map((e) => e.record.id)

test('those who ask for the same place share an answer that found something', async () => {
  const { reader, questions } = asked()
  const reads = [reader.read('s', 1, credit), reader.read('s', 1, { events: 1, bytes: 1 })]
  await turn()
  questions[0]?.answer(row(1, 'a', 'b'), end(3))
  const [all, one] = await Promise.all(reads)
  assert.deepEqual([all && idsOf(all), all?.next, one && idsOf(one), one?.next], [['a', 'b'], 3, ['a'], 2])
  assert.equal(questions.length, 1)
})

test('who asked later than the question was put is not told that there is nothing', async () => {
  const { reader, questions } = asked()
  const first = reader.read('s', 1, credit)
  await turn()
  const later = [reader.read('s', 1, credit), reader.read('s', 1, credit)]
  questions[0]?.answer(end(1))
  assert.deepEqual(idsOf(await first), [])
  await turn()
  assert.equal(questions.length, 2, 'one more question serves both')
  questions[1]?.answer(row(1, 'a'), end(2))
  for (const read of later) assert.deepEqual(idsOf(await read), ['a'])
})

test('a credit that ended an answer is no end of the stream', async () => {
  const { reader, questions } = asked()
  const read = reader.read('s', 2, { events: 1, bytes: 100_000 })
  await turn()
  questions[0]?.answer(row(1, 'a', 'b', 'c'), end(90, 1))
  assert.deepEqual([idsOf(await read), (await read).next], [['b'], 3])
  // What came along with it is known.
  assert.deepEqual(idsOf(await reader.read('s', 3, credit)), ['c'])
  const on = reader.read('s', 4, credit)
  await turn()
  assert.equal(questions[1]?.from, 4)
  questions[1]?.answer(end(90))
  assert.equal((await on).next, 90)
})

test('an end before one that was seen is an older copy', async () => {
  const { reader, questions } = asked()
  const read = reader.read('s', 1, credit)
  await turn()
  questions[0]?.answer(row(1, 'a'), end(5))
  await read
  const again = reader.read('s', 5, credit)
  await turn()
  questions[1]?.answer(end(4))
  await assert.rejects(again, { code: 'log_changed' })
})

test('the newest term that any answer told stays', async () => {
  const { reader, questions } = asked()
  const reads = [reader.read('s', 1, credit), reader.read('t', 1, credit)]
  await turn()
  questions[1]?.answer(end(1, 0, '10.b'))
  assert.equal((await reads[1])?.term, '10.b')
  questions[0]?.answer(end(1, 0, '9.a'))
  assert.equal((await reads[0])?.term, '10.b')
})
