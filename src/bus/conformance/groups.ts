import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Bus, Group, GroupChange, Release } from '../bus.ts'
import { type BusFixture, beside, type MakeBusFixture, onBus, until, within } from './fixture.ts'

/** Groups: who is there, messages to them, and the order of write turns. An engine without groups has no `group`. */
export function groups(make: MakeBusFixture): void {
  const onGroup = (test: (a: Group, fixture: BusFixture, bus: Bus) => Promise<void>) =>
    onBus(make, async (bus, fixture) => {
      if (bus.group) await test(bus.group('store', 'a'), fixture, bus)
    })

  test('members know one another, and hear who comes and who goes', () =>
    onGroup(async (a, fixture, bus) => {
      assert.deepEqual(await a.members(), ['a'])
      const changes = heard(a)
      await beside(fixture, async (other) => {
        const b = join(other, 'store', 'b')
        assert.deepEqual(await b.members(), ['a', 'b'])
        await changes.next('members')
        assert.deepEqual(await a.members(), ['a', 'b'])
        const c = join(bus, 'another store', 'c')
        assert.deepEqual(await c.members(), ['c'], 'groups are separate')
        b.leave()
        await changes.next('members')
        assert.deepEqual(await a.members(), ['a'])
        join(other, 'store', 'd')
        await changes.next('members')
      })
      await until(async () => (await a.members()).length === 1, 'a member whose bus closed is gone')
    }))

  test('a nudge reaches every other member', () =>
    onGroup(async (a, fixture, bus) => {
      await beside(fixture, async (other) => {
        const b = join(other, 'store', 'b')
        const c = join(bus, 'store', 'c')
        await Promise.all([b.members(), c.members()])
        const [atA, atB, atC] = [heard(a), heard(b), heard(c)]
        a.nudge()
        await Promise.all([atB.next('nudge'), atC.next('nudge')])
        assert.equal(atA.count('nudge'), 0)
      })
    }))

  test('a turn is kept until somebody else asks, and then goes round in the order of asking', () =>
    onGroup(async (a, fixture, bus) => {
      await beside(fixture, async (other) => {
        const [b, c] = [join(other, 'store', 'b'), join(bus, 'store', 'c')]
        let holder = a
        let release = await a.turn()
        const waiting: { member: Group; turn: Promise<Release> }[] = []
        // An answer to a later question tells that the writer has heard of the one before it, and that what it said
        // meanwhile has come.
        const ask = async (member: Group): Promise<void> => {
          waiting.push({ member, turn: member.turn() })
          await member.members()
        }
        await ask(b)
        await ask(c)
        await a.members()
        const holders: string[] = []
        for (let n = 0; n < 12; n++) {
          const next = waiting.shift()
          assert.ok(next)
          const again = holder.turn()
          release()
          release = await within(next.turn, `turn ${n} goes to the one who asked first`)
          holders.push(next.member === a ? 'a' : next.member === b ? 'b' : 'c')
          await holder.members()
          await next.member.members()
          waiting.push({ member: holder, turn: again })
          holder = next.member
        }
        assert.equal(holders.join(''), 'bcabcabcabca')
        release()
        for (const { turn } of waiting) (await within(turn, 'the last turns'))()
      })
    }))

  test('a turn is one at a time, however many want it', () =>
    onGroup(async (a, fixture, bus) => {
      await beside(fixture, async (other) => {
        const members = [a, join(other, 'store', 'b'), join(bus, 'store', 'c')]
        let inside = 0
        let turns = 0
        const take = async (member: Group): Promise<void> => {
          for (let n = 0; n < 100; n++) {
            const release = await within(member.turn(), 'everybody gets a turn')
            assert.equal(++inside, 1)
            turns++
            await new Promise((resolve) => setImmediate(resolve))
            inside--
            release()
          }
        }
        await Promise.all(members.map(take))
        assert.equal(turns, 300)
      })
    }))

  test('a member alone gets its turn again and again, and several of its own wait for one another', () =>
    onGroup(async (a) => {
      const order: number[] = []
      const use = async (n: number): Promise<void> => {
        const release = await a.turn()
        order.push(n)
        await new Promise((resolve) => setImmediate(resolve))
        order.push(n)
        release()
        release()
      }
      await Promise.all([use(1), use(2), use(3)])
      assert.deepEqual(order, [1, 1, 2, 2, 3, 3])
    }))

  test('a member that goes while it holds the turn frees it, and one that waits is not waited for', () =>
    onGroup(async (a, fixture, bus) => {
      const c = join(bus, 'store', 'c')
      const release = await a.turn()
      const other = await fixture.open()
      const b = join(other, 'store', 'b')
      await b.members()
      const waiting = assert.rejects(b.turn(), { code: 'closed' })
      await other.close()
      await waiting
      release()
      await within(c.turn(), 'the turn passes over the one that went')
      c.leave()
      ;(await within(a.turn(), 'the turn of a member that left is free'))()
      await assert.rejects(c.turn(), { code: 'closed' })
    }))

  test('members and turns are as before when the writer has changed', { skip: !make.restartable }, async () => {
    const fixture = await make({ restart: true })
    try {
      const bus = await fixture.open()
      if (!bus.group) return await bus.close()
      const other = await fixture.open()
      const a = join(bus, 'store', 'a')
      const b = join(other, 'store', 'b')
      const release = await a.turn()
      await b.members()
      await fixture.restart?.()
      assert.deepEqual(await within(a.members(), 'members after the restart'), ['a', 'b'])
      let granted = false
      const turn = b.turn().then((r) => {
        granted = true
        return r
      })
      assert.deepEqual(await b.members(), ['a', 'b'])
      assert.equal(granted, false, 'the turn is still held')
      release()
      ;(await within(turn, 'the turn after the restart'))()
      await other.close()
      await bus.close()
    } finally {
      await fixture.dispose()
    }
  })
}

function join(bus: Bus, group: string, member: string): Group {
  assert.ok(bus.group)
  return bus.group(group, member)
}

interface Heard {
  /** Waits for one more change of that kind than were waited for before. */
  next(kind: GroupChange): Promise<void>
  count(kind: GroupChange): number
}

function heard(group: Group): Heard {
  const counts = { members: 0, nudge: 0 }
  const taken = { members: 0, nudge: 0 }
  let wake = (): void => {}
  group.onChange((change) => {
    counts[change]++
    wake()
  })
  return {
    count: (kind) => counts[kind],
    async next(kind) {
      while (counts[kind] <= taken[kind]) {
        const woken = new Promise<void>((resolve) => {
          wake = resolve
        })
        await within(woken, `no change of ${kind} came`)
      }
      taken[kind]++
    },
  }
}
