import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SkerryError } from '../../errors.ts'
import { decodeFrame } from '../../frame.ts'
import type { Bus, Consuming, Parcel, Sink } from '../bus.ts'
import { type BusFixture, type MakeBusFixture, onFixture, Publisher, plenty, sorted, until } from './fixture.ts'

/** What an engine must do that hands events out instead of keeping a log: see `Bus.deliver`. */
export function handing(make: MakeBusFixture): void {
  test('what needs a log is refused', () =>
    onEngine(make, async (bus) => {
      const absent = { code: 'capability_absent' }
      await assert.rejects(bus.read('s', 0, plenty), absent)
      await assert.rejects(bus.readOne('s', 0), absent)
      await assert.rejects(bus.head(), absent)
      assert.throws(() => bus.watch('s', () => {}), absent)
    }))

  test('a consumer gets what is published to its streams once it is known, numbered, and in order', () =>
    onEngine(make, async (bus) => {
      const taker = new Taker()
      const consuming = await consume(bus, 'one', taker)
      const [s, other] = [new Publisher('p', 's'), new Publisher('q', 'other')]
      for (let n = 1; n <= 20; n++) {
        await s.append(bus, n % 3 === 0 ? 5 : 1)
        await other.append(bus)
      }
      await until(() => taker.ids.length === s.ids().length, 'all of the stream comes')
      assert.deepEqual(taker.ids, s.ids())
      assert.deepEqual(
        taker.parcels.flatMap(({ numbers }) => numbers),
        s.ids().map((_, i) => i + 1),
      )
      for (const { after, lanes, numbers, stream } of taker.parcels) {
        assert.equal(stream, 's')
        // Either way the consumer can tell what is new: by what came before, or by lanes.
        if (lanes) assert.equal(lanes.length, numbers.length)
        else assert.equal(after, (numbers[0] ?? 0) - 1)
      }
      await until(async () => (await consuming.behind()) === 0, 'nothing is behind')
      await consuming.stop()
    }))

  test('a newcomer from now on gets what comes after it, and nothing else', () =>
    onEngine(make, async (bus) => {
      const p = new Publisher('p', 's')
      await p.append(bus, 3)
      const taker = new Taker()
      await consume(bus, 'late', taker, 'now')
      await p.append(bus, 2)
      await until(() => taker.ids.length === 2, 'what comes after it comes')
      assert.deepEqual(taker.ids, ['p-4', 'p-5'])
    }))

  test('a newcomer that wants a stream from its start gets what came before it, if the engine says so, and what comes after', () =>
    onEngine(make, async (bus) => {
      const p = new Publisher('p', 's')
      await p.append(bus, 3)
      const taker = new Taker()
      await consume(bus, 'late', taker, 'start')
      await p.append(bus, 2)
      const expected = p.ids().slice(bus.capabilities.fromStart === 'absent' ? 3 : 0)
      await until(() => taker.ids.length === expected.length, 'all comes')
      assert.deepEqual(taker.ids, expected)
    }))

  test('each store gets all, and each event goes to one of its processes', () =>
    onEngine(make, async (bus, fixture) => {
      const beside = (await fixture.openEngine?.()) as Bus
      const one = new Map<string, number>()
      const takers = [new Taker(one), new Taker(one), new Taker()] as const
      await consume(bus, 'one', takers[0])
      await consume(beside, 'one', takers[1])
      await consume(beside, 'two', takers[2])
      const p = new Publisher('p', 's')
      for (let n = 0; n < 50; n++) await p.append(bus)
      await until(() => takers[0].ids.length + takers[1].ids.length === 50, 'the first store gets all')
      await until(() => takers[2].ids.length === 50, 'the second store gets all')
      assert.deepEqual(sorted([...takers[0].ids, ...takers[1].ids]), sorted(p.ids()))
      assert.deepEqual(takers[2].ids, p.ids())
      await beside.close()
    }))

  test('what was not taken comes again, in its order, at once or to the next process', () =>
    onEngine(make, async (bus, fixture) => {
      const first = new Taker()
      const consuming = await consume(bus, 'one', first)
      const p = new Publisher('p', 's')
      await p.append(bus, 2)
      await until(() => first.ids.length === 2, 'the first comes')
      first.refuses = true
      for (let n = 0; n < 10; n++) await p.append(bus)
      await until(() => first.refused > 1, 'it is tried again')
      await until(async () => (await consuming.behind()) === 10, 'they are behind')
      await consuming.stop()
      assert.ok(first.interruptions > 0, 'it says so')
      const beside = (await fixture.openEngine?.()) as Bus
      const second = new Taker(first.known)
      await consume(beside, 'one', second)
      await until(() => second.ids.length >= 10, 'the rest comes')
      assert.deepEqual(second.ids.slice(-10), p.ids().slice(2))
      await beside.close()
    }))

  test(
    'an interrupted consumer goes on by itself, and nothing that was confirmed is lost',
    { skip: !make.restartable },
    () =>
      onEngine(
        make,
        async (bus, fixture) => {
          const taker = new Taker()
          await consume(bus, 'one', taker)
          const p = new Publisher('p', 's')
          for (let n = 0; n < 20; n++) await p.append(bus)
          taker.refuses = true
          for (let n = 0; n < 20; n++) await p.append(bus)
          await fixture.restart?.()
          taker.refuses = false
          await until(() => new Set(taker.ids).size === 40, 'all arrives')
          assert.ok(taker.interruptions > 0)
          await until(() => taker.resumptions > 0, 'it says that it goes on')
        },
        { restart: true },
      ),
  )
}

async function onEngine(
  make: MakeBusFixture,
  work: (bus: Bus, fixture: BusFixture) => Promise<void>,
  needs: { readonly restart?: boolean } = {},
): Promise<void> {
  await onFixture(
    make,
    async (fixture) => {
      assert.ok(fixture.openEngine)
      const bus = await fixture.openEngine()
      try {
        await work(bus, fixture)
      } finally {
        await bus.close()
      }
    },
    needs,
  )
}

async function consume(bus: Bus, store: string, sink: Sink, from: 'start' | 'now' = 'start'): Promise<Consuming> {
  assert.ok(bus.deliver)
  return bus.deliver({ store, service: 'ear', streams: { s: from } }, sink)
}

class Taker implements Sink {
  /** Where its store is in each source. */
  readonly known: Map<string, number>
  readonly parcels: Parcel[] = []
  refuses = false
  refused = 0
  interruptions = 0
  resumptions = 0

  constructor(known = new Map<string, number>()) {
    this.known = known
  }

  get ids(): string[] {
    return this.parcels.flatMap(({ frame }) => decodeFrame(frame).map(({ id }) => id))
  }

  async take(parcels: readonly Parcel[]): Promise<void> {
    if (this.refuses) {
      this.refused++
      throw new Error('not now')
    }
    const moved = new Map(this.known)
    for (const { source, offsets } of parcels) {
      if (!offsets) continue
      if ((moved.get(source) ?? offsets.from) !== offsets.from)
        throw new SkerryError('fenced', `${source} has moved on`)
      moved.set(source, offsets.to)
    }
    for (const [source, place] of moved) this.known.set(source, place)
    this.parcels.push(...parcels)
  }

  async places(sources: readonly string[]): Promise<Record<string, number>> {
    return Object.fromEntries(sources.map((source) => [source, this.known.get(source) ?? 0]))
  }

  interrupted(): void {
    this.interruptions++
  }

  resumed(): void {
    this.resumptions++
  }
}
