import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cancelType, type EventRecord } from '../event.ts'
import { laneCount } from '../keys.ts'
import { contains, type LaneRange, laneOf, type Owned, planLanes, targetOf } from './lanes.ts'

const lanes = Array.from({ length: laneCount }, (_, lane) => lane)
const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 20 })

const happened = (given: Partial<EventRecord>): EventRecord => ({
  ...{
    id: 'id',
    type: 'happened',
    version: 1,
    key: '',
    time: 0,
    due: 0,
    expires: 0,
    attributes: undefined,
    data: '{}',
  },
  ...given,
})

test('every lane is the target of exactly one member, however many there are', () =>
  fc.assert(
    fc.property(names, (members) => {
      for (const lane of lanes)
        assert.equal(members.filter((member) => contains(targetOf(member, members), lane)).length, 1)
    }),
  ))

test('targets differ by at most one lane, and do not depend on the order in which members are known', () =>
  fc.assert(
    fc.property(names, fc.integer(), (members, seed) => {
      const shuffled = [...members].sort((a, b) => ((a.length * seed) % 7) - ((b.length * seed) % 7))
      const sizes = members.map((member) => {
        const { from, to } = targetOf(member, members)
        assert.deepEqual(targetOf(member, shuffled), { from, to })
        return to - from
      })
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1)
    }),
  ))

test('a stranger has no lanes', () => {
  assert.deepEqual(targetOf('c', ['a', 'b']), { from: 0, to: 0 })
})

/** A table of shares: neighbouring runs with owners, some of them expired or long gone. */
const tables = (members: readonly string[]): fc.Arbitrary<Owned[]> =>
  fc.uniqueArray(fc.integer({ min: 1, max: laneCount - 1 }), { maxLength: 12 }).chain((cuts) =>
    fc
      .array(fc.record({ owner: fc.constantFrom(undefined, 'gone', ...members), expired: fc.boolean() }), {
        minLength: cuts.length + 1,
        maxLength: cuts.length + 1,
      })
      .map((owners) => {
        const edges = [0, ...cuts.sort((a, b) => a - b), laneCount]
        return owners.map(({ owner, expired }, i) => ({
          from: edges[i] as number,
          to: edges[i + 1] as number,
          owner,
          expired: owner !== undefined && expired,
        }))
      }),
  )

/** What the store's rows are after a member did what it planned. */
function apply(table: readonly Owned[], me: string, members: readonly string[]): Owned[] {
  const { claim, release } = planLanes(table, me, members)
  const within = (parts: readonly LaneRange[], lane: number): boolean => parts.some((part) => contains(part, lane))
  return lanes.map((lane) => {
    const row = table.find((share) => contains(share, lane)) as Owned
    const mine = within(claim, lane)
    const freed = within(release, lane)
    assert.ok(!(mine && freed), `lane ${lane} is claimed and released`)
    if (mine)
      assert.ok(row.owner === undefined || row.expired || !members.includes(row.owner), 'claims only free lanes')
    if (freed) assert.equal(row.owner, me, 'releases only own lanes')
    const owner = mine ? me : freed ? undefined : row.owner
    return { from: lane, to: lane + 1, owner, expired: mine || freed ? false : row.expired }
  })
}

test('plans of all members together converge: after two rounds everybody serves its target, and nothing moves any more', () =>
  fc.assert(
    fc.property(
      names.chain((members) => fc.tuple(fc.constant(members), tables(members))),
      ([members, start]) => {
        let table: Owned[] = start
        for (let round = 0; round < 2; round++) for (const me of members) table = apply(table, me, members)
        for (const me of members) {
          const target = targetOf(me, members)
          for (const share of table) assert.equal(share.owner === me, contains(target, share.from))
          assert.deepEqual(planLanes(table, me, members), { claim: [], release: [] })
        }
      },
    ),
  ))

test('a member that nobody counts releases what it has', () => {
  const table = [{ from: 0, to: laneCount, owner: 'old', expired: false }]
  assert.deepEqual(planLanes(table, 'old', ['new']), { claim: [], release: [{ from: 0, to: laneCount }] })
})

test('under key order the lane of an event is that of its key, whatever else it is', () =>
  fc.assert(
    fc.property(fc.string(), fc.nat(), fc.nat(), fc.nat(), (key, a, b, due) => {
      const lane = laneOf(happened({ key, id: 'a' }), a, true)
      assert.equal(laneOf(happened({ key, id: 'b', due, type: 'other' }), b, true), lane)
      assert.ok(lane >= 0 && lane < laneCount)
    }),
  ))

test('without order events spread by their position', () => {
  const found = new Set(lanes.map((n) => laneOf(happened({ key: 'one' }), n, false)))
  assert.equal(found.size, laneCount)
})

test('a delayed event and its withdrawal meet in one lane', () =>
  fc.assert(
    fc.property(fc.string(), fc.nat(), fc.nat(), (id, at, later) => {
      const cancel = happened({ type: cancelType, data: JSON.stringify({ id, type: 'happened' }) })
      assert.equal(laneOf(happened({ id, due: 1 }), at, false), laneOf(cancel, later, false))
    }),
  ))

// Lanes are on disk: another hash would take events from one process's position to another's.
test('lanes stay what they were in every release', () => {
  assert.deepEqual(
    ['', 'a', 'order-1', 'ключ', '🪨'].map((key) => laneOf(happened({ key }), 0, true)),
    [5, 44, 45, 57, 43],
  )
})
