import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JetStreamApiError, type StoredMsg } from '@nats-io/jetstream'
import type { MsgHdrs } from '@nats-io/transport-node'
import { codeOf } from '../../errors.ts'
import { decodeFrame, encodeFrame } from '../../frame.ts'
import { seededRandom } from '../../ids.ts'
import { sample } from '../conformance/fixture.ts'
import { isOutdated } from './failures.ts'
import type { Log } from './log.ts'
import { namesOf, ownersOf } from './names.ts'
import { Producer } from './producer.ts'

interface Stored {
  readonly subject: string
  readonly data: string
  readonly header: MsgHdrs | undefined
}

/** The server as far as a producer needs it: one log, refusing what is outdated. */
class Fake {
  readonly names = namesOf('fake')
  readonly link = { where: 'fake' }
  readonly messages: Stored[] = []
  /** The order of subjects means nothing. */
  #turned: boolean
  /** Called before a message is stored, and after it; may throw. */
  before = async (): Promise<void> => {}
  after = (): void => {}

  constructor(turned = false) {
    this.#turned = turned
  }

  async put(subject: string, data: string, expected: number, header?: MsgHdrs): Promise<number> {
    await this.before()
    const last = this.#last(subject)
    if (last !== expected)
      throw new JetStreamApiError({ code: 400, err_code: 10071, description: `wrong last sequence: ${last}` })
    this.messages.push({ subject, data, header })
    this.after()
    return this.messages.length
  }

  async last(subject: string): Promise<StoredMsg | null> {
    const seq = this.#last(subject)
    return seq === 0 ? null : ({ seq, header: this.messages[seq - 1]?.header } as unknown as StoredMsg)
  }

  async subjectsOf(producer: string): Promise<string[]> {
    const own = this.messages.map(({ subject }) => subject).filter((s) => ownersOf(s)?.producer === producer)
    this.#turned = !this.#turned
    return this.#turned ? [...new Set(own)] : [...new Set(own)].reverse()
  }

  ids(): string[] {
    return this.messages.filter(({ data }) => data !== '').flatMap(({ data }) => decodeFrame(data).map(({ id }) => id))
  }

  producer(): Producer {
    return new Producer(this as unknown as Log, 'p', 100_000)
  }

  #last(subject: string): number {
    return this.messages.findLastIndex((message) => message.subject === subject) + 1
  }
}

function batch(stream: string, first: number, count: number) {
  const records = Array.from({ length: count }, (_, i) => sample(`${first + i}`))
  return { stream, producer: 'p', after: first - 1, first, count, frame: encodeFrame(records) }
}

test('a process that ended between leaving a stream and writing to the next leaves a mark that counts', async () => {
  const log = new Fake()
  await log.producer().append(batch('s', 1, 2))
  let puts = 0
  log.before = async () => {
    if (++puts === 2) throw new Error('the process ends')
  }
  await assert.rejects(log.producer().append(batch('t', 3, 1)))
  assert.equal(await log.producer().mark(), 2)
  // Another one, that never heard of it, goes on in a third stream, and back.
  log.before = async () => {}
  await log.producer().append(batch('u', 3, 1))
  await log.producer().append(batch('s', 4, 1))
  assert.deepEqual(log.ids(), ['1', '2', '3', '4'])
  assert.equal(await log.producer().mark(), 4)
})

for (const turned of [false, true])
  test(`who went back and forth without writing is found where it went to last (subjects ${turned ? '' : 'not '}turned round)`, async () => {
    const log = new Fake(turned)
    await log.producer().append(batch('s', 1, 1))
    let puts = 0
    log.before = async () => {
      if (++puts % 2 === 0) throw new Error('the process ends')
    }
    // Leaves for t, and ends; leaves for s again, and ends.
    await assert.rejects(log.producer().append(batch('t', 2, 1)))
    await assert.rejects(log.producer().append(batch('s', 2, 1)))
    // Two that look at the same moment must not see it in different streams.
    log.before = async () => {
      log.before = async () => {}
      await log.producer().append(batch('s', 2, 1))
    }
    await assert.rejects(log.producer().append(batch('t', 2, 1)), isOutdated)
    assert.deepEqual(log.ids(), ['1', '2'])
  })

for (const seed of ['one', 'two', 'three'])
  test(`several processes with doubts, in several streams: each number once, in order (seed ${seed})`, async () => {
    const random = seededRandom(seed)
    const log = new Fake()
    const processes = [log.producer(), log.producer(), log.producer()]
    const lost = (): void => {
      if (random() < 0.2) throw new Error('the connection is lost')
    }
    log.before = async () => lost()
    log.after = lost
    for (let n = 0; n < 400; n++) {
      const producer = processes[Math.floor(random() * 3)] as Producer
      const mark = log.ids().length
      const first = Math.max(1, mark + 1 - Math.floor(random() * 3))
      const stream = random() < 0.8 ? 's' : 't'
      await producer.append(batch(stream, first, 1 + Math.floor(random() * 3))).catch((error: unknown) => {
        producer.doubt()
        assert.ok(isOutdated(error) || codeOf(error) === 'failed', String(error))
      })
    }
    const ids = log.ids()
    assert.deepEqual(
      ids,
      ids.map((_, i) => `${i + 1}`),
    )
    assert.equal(await log.producer().mark(), ids.length)
  })
