import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, VirtualClock } from '../time.ts'
import { BudgetWatch } from './budget.ts'

const over = { code: 'budget_exceeded', message: /orders\.placed: handle took longer than 100 ms/ }
const forever = (): Promise<void> => new Promise(() => {})

function watched() {
  const clock = new VirtualClock()
  const watch = new BudgetWatch(clock)
  const run = (step: () => Promise<void> | void, budgetMs = 100) => watch.run(budgetMs, 'orders.placed', step)
  const takes = (ms: number) => (): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve))
  return { clock, watch, run, takes }
}

test('a step that ends in time ends well, and what it throws is passed on', async () => {
  const { clock, run, takes } = watched()
  await run(() => {})
  await run(async () => {})
  const running = run(takes(99))
  await clock.advance(99)
  await running
  await assert.rejects(
    run(() => Promise.reject(new Error('no'))),
    /no/,
  )
  await assert.rejects(
    run(() => {
      throw new Error('at once')
    }),
    /at once/,
  )
})

test('a step that does not end is given up when its budget is over, and not before', async () => {
  const { clock, run } = watched()
  let ended = false
  const running = run(forever).finally(() => {
    ended = true
  })
  const refused = assert.rejects(running, over)
  await clock.advance(99)
  assert.equal(ended, false)
  await clock.advance(2)
  assert.equal(ended, true)
  await refused
})

test('a step that blocked the thread is over its budget, whatever it gives', async () => {
  let now = 0
  const clock: Clock = { wall: () => now, monotonic: () => now, after: () => ({ cancel: () => {} }) }
  const watch = new BudgetWatch(clock)
  const blocks = (): void => {
    now += 101
  }
  await assert.rejects(watch.run(100, 'orders.placed', blocks), over)
  await assert.rejects(
    watch.run(100, 'orders.placed', async () => blocks()),
    over,
  )
})

test('each step has its own budget, though one timer watches them all', async () => {
  const { clock, watch, run, takes } = watched()
  for (let i = 0; i < 10; i++) {
    const running = run(takes(60))
    assert.ok(clock.pending <= 2, 'the step’s own timer and the watch’s')
    await clock.advance(60)
    await running
  }
  const last = assert.rejects(run(forever), over)
  await clock.advance(101)
  await last
  watch.stop()
  assert.equal(clock.pending, 0)
})

test('a longer budget after a shorter one, and a shorter one after a longer one, hold', async () => {
  const { clock, run, takes } = watched()
  const long = run(takes(500), 1000)
  await clock.advance(500)
  await long
  const short = assert.rejects(run(forever, 50), { code: 'budget_exceeded' })
  await clock.advance(51)
  await short
  const again = run(takes(500), 1000)
  await clock.advance(500)
  await again
})

test('without a budget nothing is given up, and no timer is armed', async () => {
  const { clock, run, takes } = watched()
  const running = run(takes(1e6), Number.POSITIVE_INFINITY)
  assert.equal(clock.pending, 1)
  await clock.advance(1e6)
  await running
})

test('a step that was given up may reject later: nobody minds', async () => {
  const { clock, run } = watched()
  const late = Promise.withResolvers<void>()
  const refused = assert.rejects(
    run(() => late.promise),
    over,
  )
  await clock.advance(101)
  await refused
  late.reject(new Error('late'))
  await clock.advance(1)
})

test('stopping leaves no timer', async () => {
  const { clock, watch, run, takes } = watched()
  const running = run(takes(10))
  await clock.advance(10)
  await running
  watch.stop()
  assert.equal(clock.pending, 0)
})
