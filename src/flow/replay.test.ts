import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openBus } from '../engines.ts'
import { codeOf } from '../errors.ts'
import { cancelType, type EventRecord } from '../event.ts'
import { encodeFrame } from '../frame.ts'
import { systemClock } from '../time.ts'
import { asItHappened } from './replay.ts'

const then = Date.UTC(2010, 11, 1)
const now = Date.UTC(2011, 0, 1)

const event = (id: string, more: Partial<EventRecord> = {}): EventRecord => ({
  ...{ id, type: 'placed', version: 1, key: '', time: then, due: 0, expires: 0, attributes: undefined, data: '{}' },
  ...more,
})
const cancel = (id: string, time: number): EventRecord =>
  event(`cancel ${id}`, { type: cancelType, time, data: JSON.stringify({ id, type: 'placed' }) })

test('what had taken effect at the time does so again, what had not does not', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'skerry-replay-'))
  const bus = await openBus({ dir, clock: systemClock })
  t.after(async () => {
    await bus.close()
    await rm(dir, { recursive: true })
  })
  const records = [
    event('plain'),
    event('lived', { expires: then + 10 }),
    event('stillborn', { expires: then }),
    event('alive', { expires: now + 10 }),
    event('expired while it waited', { due: then + 100, expires: then + 50 }),
    event('withdrawn', { due: then + 100 }),
    event('withdrawn too late', { due: then + 100 }),
    event('to come', { due: now + 100 }),
    cancel('withdrawn', then + 99),
    cancel('withdrawn too late', then + 101),
    cancel('to come', then + 1),
  ]
  await bus.append({
    stream: 's',
    producer: 'p',
    after: 0,
    first: 1,
    count: records.length,
    frame: encodeFrame(records),
  })
  const view = asItHappened(bus, () => now)
  const { events } = await view.read('s', 0, { events: 100, bytes: 100_000 })
  assert.deepEqual(Object.fromEntries(events.slice(0, 8).map(({ record }) => [record.id, record.expires])), {
    plain: 0,
    lived: 0,
    stillborn: 1,
    alive: now + 10,
    'expired while it waited': 1,
    withdrawn: 1,
    'withdrawn too late': 0,
    'to come': 0,
  })
  const withdrawn = await view.readOne('s', events[5]?.position ?? 0)
  assert.deepEqual([withdrawn?.record.id, withdrawn?.record.expires], ['withdrawn', 1])

  await assert.rejects(
    view.append({ stream: 's', producer: 'p', after: 11, first: 12, count: 1, frame: encodeFrame([event('x')]) }),
    (error) => codeOf(error) === 'capability_absent',
  )
  await view.register({ subscription: 'a/b', store: 's', marks: {} })
  assert.deepEqual((await bus.status()).readers, [])
})
