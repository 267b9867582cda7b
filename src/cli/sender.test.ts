import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Batch, Bus } from '../bus/bus.ts'
import { codeOf, type ErrorCode, SkerryError } from '../errors.ts'
import { decodeFrame } from '../frame.ts'
import { VirtualClock } from '../time.ts'
import { type NumberedEvent, Sender } from './sender.ts'

/** Accepts as the port says, after it has refused as often as it is told to. */
class Accepting {
  readonly marks = new Map<string, number>()
  readonly stored: string[] = []
  readonly batches: number[] = []
  refusals: ErrorCode[] = []

  async producerMark(producer: string): Promise<number> {
    return this.marks.get(producer) ?? 0
  }

  async append(batch: Batch): Promise<void> {
    const refusal = this.refusals.shift()
    if (refusal) throw new SkerryError(refusal, refusal)
    const mark = this.marks.get(batch.producer) ?? 0
    if (batch.after > mark) throw new SkerryError('conflict', 'conflict')
    this.batches.push(batch.count)
    decodeFrame(batch.frame).forEach((record, i) => {
      if (batch.first + i > mark) this.stored.push(`${batch.stream} ${record.id}`)
    })
    this.marks.set(batch.producer, Math.max(mark, batch.first + batch.count - 1))
  }
}

const event = (number: number, stream = 'a', data = '1'): NumberedEvent => {
  const rest = { type: 't', version: 1, key: '', time: 0, due: 0, expires: 0, attributes: undefined }
  return { number, event: { stream, record: { id: String(number), ...rest, data } } }
}

function sender(bus: Accepting, clock = new VirtualClock()): Sender {
  return new Sender(bus as unknown as Bus, clock, (stream) => `${stream} from test`, 1000)
}

/** Moves a virtual clock until the work is done. */
async function through<T>(clock: VirtualClock, work: Promise<T>): Promise<T> {
  let done = false
  const end = (): void => {
    done = true
  }
  work.then(end, end)
  while (!done) await clock.advance(10)
  return work
}

test('neighbouring numbers of a stream travel together, streams and gaps apart', async () => {
  const bus = new Accepting()
  const sent = await sender(bus).send([event(1), event(2), event(3, 'b'), event(4), event(6), event(7)])
  assert.deepEqual(sent, { fresh: 6, known: 0 })
  assert.deepEqual(bus.batches, [2, 1, 1, 2])
  assert.deepEqual(bus.stored, ['a 1', 'a 2', 'b 3', 'a 4', 'a 6', 'a 7'])
})

test('what the bus has is not sent again', async () => {
  const bus = new Accepting()
  await sender(bus).send([event(1), event(2, 'b'), event(3)])
  assert.deepEqual(await sender(bus).send([event(1), event(2, 'b'), event(3), event(4, 'b')]), { fresh: 1, known: 3 })
  assert.deepEqual(bus.stored, ['a 1', 'b 2', 'a 3', 'b 4'])
})

test('appends stay within a size', async () => {
  const bus = new Accepting()
  const large = JSON.stringify('x'.repeat(200_000))
  await sender(bus).send([event(1, 'a', large), event(2, 'a', large), event(3)])
  assert.deepEqual(bus.batches, [1, 2])
})

test('a refusal in the middle changes neither order nor number', async () => {
  for (const refusals of [['overloaded'], ['conflict'], ['unavailable', 'overloaded']] satisfies ErrorCode[][]) {
    const bus = new Accepting()
    const clock = new VirtualClock()
    const s = sender(bus, clock)
    await s.send([event(1)])
    bus.refusals = refusals
    await through(clock, s.send([event(3), event(5), event(6, 'b'), event(7)]))
    assert.deepEqual(
      bus.stored.filter((one) => one.startsWith('a')),
      ['a 1', 'a 3', 'a 5', 'a 7'],
    )
    assert.equal(bus.stored.length, 5)
  }
})

test('a bus that stays full is told after a while; another failure at once', async () => {
  const bus = new Accepting()
  const clock = new VirtualClock()
  bus.refusals = Array(1000).fill('overloaded')
  await assert.rejects(through(clock, sender(bus, clock).send([event(1)])), (error) => codeOf(error) === 'overloaded')
  bus.refusals = ['io_error']
  await assert.rejects(sender(bus).send([event(1)]), (error) => codeOf(error) === 'io_error')
})
