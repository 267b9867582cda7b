import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { PairSums } from '../independence/measure/fold.ts'
import { finest } from '../independence/measure/ladder.ts'
import { readSums } from '../independence/measure/records.ts'
import { type Service, service } from '../service.ts'
import { VirtualClock } from '../time.ts'
import { type House, inHouse, upTo } from './conformance/house.ts'
import { Ear, quick, Town, type Word } from './conformance/words.ts'
import { sqliteFixture } from './sqlite/fixture.ts'

const tables = [
  {
    number: 1,
    name: 'heard',
    sql: 'create table heard (key text primary key, n integer not null); create table log (text text)',
    additive: true,
  },
]

/** Long enough for a window of its own. */
const later = { ...quick, firstMs: 500 }

/** Two subscriptions to the same words, so that each key is about two events; the second fails where the first does. */
function listening(fails: (word: Word) => boolean = () => false): Service<'ear'> {
  const self = service(Ear, { migrations: tables })
  for (const name of ['left', 'right'])
    self.subscribe(name, { from: 'start', retry: later }).on(Town.said, async (tx, event) => {
      await tx.sql`insert into heard (key, n) values (${event.data.key}, 1) on conflict (key) do update set n = heard.n + 1`
      if (fails(event.data) && event.attempt === 1) throw new Error('not at first')
    })
  return self
}

const words = upTo(200).map((n): Word => ({ n, key: String(n) }))

const sumsIn = (house: House, ear: Service<'ear'>) => house.onStore(ear, (store) => store.read(readSums))

describe('a processor that measures', () => {
  test('counts which events share a key or a moment, and which rows they share', () =>
    inHouse(sqliteFixture, async (house) => {
      const ear = listening()
      const app = await house.open([ear], { measure: 1 })
      await house.say(app, words)
      await house.settled(app)
      await house.stop(app)
      const sums = await sumsIn(house, ear)
      assert.deepEqual(
        sums.map(({ a, b }) => [a, b]),
        [
          ['left/town.said', 'left/town.said'],
          ['left/town.said', 'right/town.said'],
          ['right/town.said', 'right/town.said'],
        ],
      )
      const [left, both] = sums as [PairSums, PairSums]
      assert.ok(finest(both['same-key']).units > 0 && finest(both['same-moment']).units > 0)
      const { windows, rows, ...others } = both.conflicts
      assert.ok(rows > 0 && rows <= windows, `${rows} of ${windows}`)
      assert.deepEqual(others, { possible: 0, reruns: 0, tables: ['heard'] })
      // Each word has a key of its own.
      assert.deepEqual([left.conflicts.rows, finest(left['same-key']).units], [0, 0])
    }))

  test('knows what prepare read', () =>
    inHouse(sqliteFixture, async (house) => {
      const ear = listening()
      ear.subscribe('reads', { from: 'start' }).on(Town.said, {
        prepare: async (ctx, event) => {
          await ctx.sql`select n from heard where key = ${event.data.key}`
          await ctx.snapshot((tx) => tx.sql`select * from log`)
        },
        handle: () => {},
      })
      // Time stands still at first: all of it is one window.
      const app = await house.open([ear], { clock: new VirtualClock(), measure: 1 })
      await house.say(app, [{ n: 1, key: 'k' }])
      await house.settled(app)
      await house.stop(app)
      const reading = (await sumsIn(house, ear)).filter(({ b }) => b === 'right/town.said' || b === 'reads/town.said')
      const met = reading.filter(({ a, b, conflicts }) => a !== b && conflicts.rows > 0)
      assert.deepEqual(
        met.map(({ a, b }) => [a, b]),
        [
          ['left/town.said', 'reads/town.said'],
          ['left/town.said', 'right/town.said'],
          ['reads/town.said', 'right/town.said'],
        ],
      )
    }))

  test('counts a first try that failed, though the event is handled in the end', () =>
    inHouse(sqliteFixture, async (house) => {
      const ear = listening(() => true)
      const app = await house.open([ear], { clock: new VirtualClock(), measure: 1 })
      await house.say(app, words.slice(0, 5))
      await house.settled(app)
      await house.stop(app)
      const both = (await sumsIn(house, ear)).find(({ a, b }) => a !== b) ?? assert.fail()
      const { units, failedA, failedB, joint } = finest(both['same-key'])
      assert.ok(units > 0)
      assert.deepEqual([failedA, failedB, joint], [units, units, units])
    }))

  test('writes while it runs', () =>
    inHouse(sqliteFixture, async (house) => {
      const ear = listening()
      const clock = new VirtualClock()
      const app = await house.open([ear], { clock, measure: 1 })
      await house.say(app, words.slice(0, 10))
      await house.settled(app)
      await clock.advance(2500)
      assert.ok((await sumsIn(house, ear)).length > 0)
    }))

  test('folds an hour that is over', () =>
    inHouse(sqliteFixture, async (house) => {
      const ear = listening()
      const clock = new VirtualClock()
      const app = await house.open([ear], { clock, measure: 1 })
      await house.say(app, words.slice(0, 10))
      await house.settled(app)
      clock.jump(2 * 3_600_000)
      await clock.advance(62_000)
      const rows = (table: string) => house.rows(ear, `select * from ${table}`)
      assert.deepEqual(await rows('skerry_measured'), [])
      assert.equal((await rows('skerry_independence')).length, 3)
    }))

  test('that is off writes nothing', () =>
    inHouse(sqliteFixture, async (house) => {
      const ear = listening()
      const app = await house.open([ear], { measure: 0 })
      await house.say(app, words)
      await house.settled(app)
      await house.stop(app)
      assert.deepEqual(await sumsIn(house, ear), [])
    }))

  test('refuses a share that is none', () =>
    inHouse(sqliteFixture, async (house) => {
      const opening = house.open([listening()], { measure: 10 })
      await assert.rejects(opening, { code: 'invalid_config', message: 'measure 10: give a share from 0 to 1' })
    }))
})
