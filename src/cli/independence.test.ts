import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openStore } from '../engines.ts'
import type { LoadCounts, SecondCounts } from '../independence/measure/counts.ts'
import { putSeconds } from '../independence/measure/records.ts'
import type { Measured } from '../independence/measure/report.ts'
import { systemClock } from '../time.ts'
import { Terminal } from './fixture.ts'

let terminal: Terminal

const conflicts = { windows: 10, rows: 0, possible: 0, reruns: 0, tables: [] }

const second = (at: number, a: string, b: string, moment: LoadCounts, rows = 0): SecondCounts => ({
  second: at,
  pairs: [{ a, b, 'same-key': [], 'same-moment': [moment], conflicts: { ...conflicts, rows } }],
})

/** What an instance would have left behind: placed and cancelled fail together, placed and paid as chance has it. */
async function leave(dir: string): Promise<void> {
  const store = await openStore('shop', { dir, clock: systemClock, migrations: 'any' })
  for (let i = 0; i < 300; i++) {
    await store.write((tx) =>
      putSeconds(tx, 'one', [
        second(1_800_000_000 + 2 * i, 'm/orders.cancelled', 'm/orders.placed', [3, 3, 1, 1, 5], 1),
      ]),
    )
    await store.write((tx) =>
      putSeconds(tx, 'two', [second(1_800_000_000 + 2 * i, 'm/orders.paid', 'm/orders.placed', [3, 1, 1, 1, 1])]),
    )
  }
  await store.write((tx) => putSeconds(tx, 'three', [second(1, 'm/orders.paid', 'm/orders.paid', [3, 0, 1, 0, 9])]))
  await store.close()
}

before(async () => {
  terminal = await Terminal.open()
  await leave(join(terminal.folder, 'a'))
})
after(() => terminal.close())

const ask = (...args: string[]) => terminal.ask('independence', ...args, '--dir', 'a') as Promise<Measured[]>

describe('independence', () => {
  test('has a line for each pair, what is dependent first', async () => {
    const lines = await ask()
    assert.deepEqual(
      lines.map(({ a, b, relation, verdict }) => [a, b, relation, verdict]),
      [
        ['m/orders.cancelled', 'm/orders.placed', 'same-moment', 'dependent'],
        ['m/orders.paid', 'm/orders.paid', 'same-moment', 'cannot-tell-yet'],
        ['m/orders.paid', 'm/orders.placed', 'same-moment', 'independent-within-margin'],
      ],
    )
    const [dependent, unknown, independent] = lines as [Measured, Measured, Measured]
    assert.equal(dependent.oddsRatio.value.toFixed(6), '15.000000')
    assert.deepEqual([dependent.units, dependent.joint, dependent.needed], [3000, 900, 0])
    assert.deepEqual([dependent.conflicts.rows, dependent.conflicts.windows], [300, 3000])
    assert.ok(independent.oddsRatio.low > 0.7 && independent.oddsRatio.high < 1.4)
    assert.equal(unknown.needed, null)
  })

  test('shows a service, an event or a pair, named in full or by its type', async () => {
    assert.equal((await ask('shop')).length, 3)
    assert.equal((await ask('shop', 'placed')).length, 2)
    assert.equal((await ask('shop', 'm/orders.placed', 'orders.paid')).length, 1)
    assert.equal((await ask('shop', 'paid', 'placed')).length, 1)
  })

  test('judges all together, whatever is shown', async () => {
    const [alone] = await ask('shop', 'cancelled')
    assert.deepEqual(alone, (await ask())[0])
  })

  test('names the nearest of what nobody knows', async () => {
    const err = async (...args: string[]) => {
      const { exit, err } = await terminal.run(['independence', ...args, '--dir', 'a'])
      assert.equal(exit, 1)
      return err
    }
    assert.match(await err('shpo'), /^skerry: not_found: no service 'shpo'; the nearest is 'shop'/)
    assert.match(await err('shop', 'orders.plased'), /no event 'orders.plased'; the nearest is 'orders.placed'/)
    assert.match(await err('shop', 'cancelled', 'paid'), /no pair 'cancelled paid'; the nearest is 'm\/orders.*'/)
  })

  test('is a table of tabs in a pipe, with honest words', async () => {
    const { out } = await terminal.run(['independence', '--dir', 'a'])
    const [head, first, second, third] = out.split('\n').map((line) => line.split('\t'))
    assert.deepEqual(head?.slice(0, 4), ['service', 'A', 'B', 'about'])
    assert.equal(first?.at(-1), 'dependent')
    assert.equal(first?.at(-2), '10 % of 3,000 (9 %–11 %)')
    assert.deepEqual(second?.slice(-3), ['failures of m/orders.paid', '0 % of 10 (0 %–28 %)', 'cannot tell yet'])
    assert.equal(third?.at(-1), 'independent within the margin')
    assert.ok(!/proved|proven/.test(out) && !out.includes('\x1b') && out.includes('None of it is a proof'))
  })

  test('says so where nothing was measured', async () => {
    await terminal.publish('b', 'Ada')
    const { out } = await terminal.run(['independence', '--dir', 'b'])
    assert.match(out, /^nothing measured yet; /)
  })
})
