import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { VirtualClock } from '../../time.ts'
import { Sampler } from './sampler.ts'

function sampling(share = 1) {
  const clock = new VirtualClock(1_800_000_000_000)
  const sampler = new Sampler({ clock, share, member: 'me' })
  sampler.look()
  let events = 0
  return {
    clock,
    sampler,
    /** Tries an event to its end; resolves with whether it was watched. */
    handle(
      kind: string,
      failed = false,
      work: (sql: (t: TemplateStringsArray, ...v: unknown[]) => void) => void = () => {},
    ) {
      const one = {}
      const trace = sampler.begin(one)
      work((template, ...values) => trace?.statement(template, values))
      sampler.end(one, { kind, key: `${events++}`, correlation: `${events}` }, failed)
      return trace !== undefined
    },
    /** What waits to be stored. */
    async after(ms: number) {
      await clock.advance(ms)
      sampler.look()
      return sampler.closed
    },
  }
}

describe('a sampler', () => {
  test('counts a window when it is over, and gives a second when that is over', async () => {
    const { handle, after } = sampling()
    handle('a')
    handle('b', true)
    assert.deepEqual(await after(100), [])
    handle('a')
    handle('b')
    const [second, ...none] = await after(900)
    assert.deepEqual(none, [])
    assert.equal(second?.second, 1_800_000_000)
    assert.deepEqual(second?.pairs[0]?.['same-moment'], [[2, 0, 0, 1, 1]])
  })

  test('sees nothing of two events that are not in one window', async () => {
    const { handle, after } = sampling()
    handle('a')
    await after(100)
    handle('b')
    assert.deepEqual(await after(1000), [])
  })

  test('samples whole seconds, about as many as asked for, and the same for the same name', async () => {
    const watched = async (): Promise<number[]> => {
      const { handle, after } = sampling(0.1)
      const seconds: number[] = []
      for (let second = 0; second < 1000; second++) {
        const first = handle('a')
        await after(500)
        assert.equal(handle('b'), first)
        if (first) seconds.push(second)
        await after(500)
      }
      return seconds
    }
    const seconds = await watched()
    assert.ok(seconds.length > 70 && seconds.length < 130, `${seconds.length} of 1000`)
    assert.deepEqual(await watched(), seconds)
  })

  test('does not count a try whose window was over before its outcome was on disk', async () => {
    const { sampler, handle, after } = sampling()
    const slow = {}
    sampler.begin(slow)
    await after(100)
    handle('a')
    sampler.end(slow, { kind: 'b', key: 'k', correlation: 'c' }, false)
    assert.deepEqual(
      (await after(1000)).flatMap(({ pairs }) => pairs),
      [],
    )
  })

  test('notes which rows were touched, by the keys that it was told of', async () => {
    const { sampler, handle, after } = sampling()
    const change = (id: number) => (sql: (t: TemplateStringsArray, ...v: unknown[]) => void) =>
      sql`update t set n = 1 where id = ${id}`
    handle('a', false, change(1))
    handle('b', false, change(2))
    const [before] = await after(1000)
    assert.deepEqual([before?.pairs[0]?.conflicts.rows, before?.pairs[0]?.conflicts.possible], [0, 1])
    sampler.stored(1)
    sampler.learn(new Map([['t', ['id']]]))
    handle('a', false, change(1))
    handle('b', false, change(2))
    handle('b', false, change(1))
    const [second] = await after(1000)
    const { rows, possible, tables } = second?.pairs.find(({ a, b }) => a !== b)?.conflicts ?? assert.fail()
    assert.deepEqual([rows, possible, tables], [1, 0, ['t']])
  })

  test('does not count what a failed try touched: it was rolled back', async () => {
    const { handle, after } = sampling()
    handle('a')
    handle('a')
    for (const failed of [true, false]) handle('a', failed, (sql) => sql`delete from t`)
    const [second] = await after(1000)
    const { windows, possible } = second?.pairs[0]?.conflicts ?? assert.fail()
    assert.deepEqual([windows, possible], [1, 0])
  })

  test('fails no handler over a value that has no text', () => {
    const { sampler, handle } = sampling()
    sampler.learn(new Map([['t', ['id']]]))
    handle('a', false, (sql) => sql`delete from t where id = ${Object.create(null)}`)
    handle('a', false, (sql) => sql('no template' as never))
  })

  test('counts reruns in every second', async () => {
    const { sampler, after } = sampling(1e-9)
    sampler.conflicted(['a'], new Set(['a', 'b']))
    const [second] = await after(1000)
    assert.deepEqual(
      second?.pairs.map(({ a, b, conflicts }) => [a, b, conflicts.reruns]),
      [
        ['a', 'a', 1],
        ['a', 'b', 1],
      ],
    )
  })

  test('remembers a bounded number of events of a window, and of seconds that cannot be stored', async () => {
    const { sampler, handle, after } = sampling()
    const watched = Array.from({ length: 1500 }, () => handle('a')).filter(Boolean).length
    assert.equal(watched, 1000)
    for (let second = 0; second < 700; second++) {
      handle('a')
      handle('a')
      await after(1000)
    }
    assert.equal(sampler.closed.length, 600)
  })

  test('gives what is open when it ends', () => {
    const { sampler, handle } = sampling()
    handle('a')
    handle('b')
    sampler.finish()
    assert.equal(sampler.closed.length, 1)
    assert.equal(handle('a'), false)
  })
})
