import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { call } from '../call.ts'
import { contract } from '../contract.ts'
import { codeOf, type ErrorCode, SkerryError } from '../errors.ts'
import type { Delivery } from '../event.ts'
import { sqliteFixture } from '../store/sqlite/fixture.ts'
import { VirtualClock } from '../time.ts'
import { asCallersOwn } from './callee-errors.ts'
import { Calling, type Came, type Outgoing } from './calling.ts'
import type { CallingOptions } from './handler.ts'

const note = { input: z.object({ n: z.int() }), output: z.object({ n: z.int() }) }
const Desk = contract('desk', {
  events: {},
  calls: {
    note: call({ ...note, errors: { full: {} }, rememberMs: 3_600_000 }),
    set: call({ ...note, idempotent: true }),
  },
})

type Run = (type: typeof Desk.note | typeof Desk.set, n: number, options?: CallingOptions) => Promise<unknown>

/** An event that is prepared again and again: `step` begins a run, `came` says what calls come to. */
async function preparing(
  work: (it: { step(): Run; asked: Outgoing[]; clock: VirtualClock; came: Came }) => Promise<void>,
): Promise<void> {
  const fixture = await sqliteFixture()
  const store = await fixture.open()
  const record = {
    id: 'e1',
    type: 'happened',
    version: 1,
    key: '',
    time: 0,
    due: 0,
    expires: 0,
    attributes: undefined,
    data: '{}',
  }
  const delivery: Delivery = { stream: 'town', position: 1, record }
  const clock = new VirtualClock()
  const it = {
    asked: [] as Outgoing[],
    clock,
    came: { kind: 'answered', output: { n: 0 } } as Came,
    step(): Run {
      const calling = new Calling(store, clock, {
        caller: async (outgoing) => {
          it.asked.push(outgoing)
          return it.came
        },
        ...{
          from: 'ear',
          subscription: 'ear/all',
          delivery,
          signal: new AbortController().signal,
          deadline: undefined,
        },
        onOnce: () => {},
      })
      return (type, n, options) => calling.call(type, { n }, options)
    },
  }
  try {
    await work(it)
  } finally {
    await store.close()
    await fixture.dispose()
  }
}

const failed = (error: Error, effect: 'none' | 'unknown'): Came => ({ kind: 'failed', error, effect })
const away = new SkerryError('unavailable', 'away')
const code = (is: ErrorCode) => (error: unknown) => codeOf(error) === is

test('keys are those of the event, the call and its place or name, and the same in each run', () =>
  preparing(async (it) => {
    it.came = failed(away, 'unknown')
    for (let run = 0; run < 2; run++) {
      const ask = it.step()
      const [one, two] = [ask(Desk.note, 1), ask(Desk.note, 2)]
      await assert.rejects(one, code('unavailable'))
      await assert.rejects(two, code('unavailable'))
      await assert.rejects(ask(Desk.note, 3, { name: 'a' }), code('unavailable'))
      await assert.rejects(ask(Desk.note, 4, { name: 'b' }), code('unavailable'))
      await assert.rejects(ask(Desk.set, 5), code('unavailable'))
    }
    const keys = new Map(it.asked.map(({ input, key }) => [(input as { n: number }).n, key]))
    assert.equal(new Set(keys.values()).size, 5)
    assert.equal(keys.get(5), undefined)
    assert.equal(it.asked.length, 10)
    for (const { input, key } of it.asked) assert.equal(key, keys.get((input as { n: number }).n))
  }))

test('an answer is kept with the event: its service is not asked a second time', () =>
  preparing(async (it) => {
    it.came = { kind: 'answered', output: { n: 7 } }
    assert.deepEqual(await it.step()(Desk.note, 1), { n: 7 })
    await it.clock.advance(7 * 24 * 3_600_000)
    assert.deepEqual(await it.step()(Desk.note, 1), { n: 7 })
    assert.equal(it.asked.length, 1)
  }))

test('an outage longer than the service remembers keys is in doubt only where the call may have arrived', () =>
  preparing(async (it) => {
    it.came = failed(away, 'none')
    await assert.rejects(it.step()(Desk.note, 1), code('unavailable'))
    await it.clock.advance(3_600_000)
    it.came = failed(away, 'unknown')
    await assert.rejects(it.step()(Desk.note, 1), code('unavailable'))
    // Whatever a later try says of itself, the earlier one may have arrived.
    it.came = failed(away, 'none')
    await assert.rejects(it.step()(Desk.note, 1), code('unavailable'))
    await it.clock.advance(3_600_000)
    await assert.rejects(it.step()(Desk.note, 1), code('in_doubt'))
    assert.equal(it.asked.length, 3)
  }))

test('what a service says of itself is not taken for something about the event of its caller', () => {
  const as = (given: ErrorCode): ErrorCode => codeOf(asCallersOwn(Desk.note, new SkerryError(given, 'x')))
  const same = [
    'unavailable',
    'overloaded',
    'deadline_exceeded',
    'invalid_request',
    'key_reused',
    'in_progress',
  ] as const
  for (const one of same) assert.equal(as(one), one)
  for (const one of ['budget_exceeded', 'unknown_version', 'terminal', 'in_doubt', 'crashed'] as const)
    assert.equal(as(one), 'failed')
  for (const one of ['store_busy', 'disk_full', 'closed'] as const) assert.equal(as(one), 'unavailable')
  assert.equal(as('version_conflict'), 'conflict')
  assert.equal(codeOf(asCallersOwn(Desk.note, new TypeError('x'))), 'failed')
  const refusal = Desk.note.refuse('full')
  assert.equal(asCallersOwn(Desk.note, refusal), refusal)
})
