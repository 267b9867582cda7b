import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SkerryError } from '../../errors.ts'
import { bootIdentity } from '../../machine.ts'
import type { Store } from '../../store/store.ts'
import { systemClock } from '../../time.ts'
import type { ConflictFigure } from '../conflicts.ts'
import { momentOn } from '../leases.ts'
import { storeStatus } from '../status.ts'
import type { MakeFlowFixture } from './fixture.ts'
import { Gate, inHouse, until, upTo } from './house.ts'
import { interposed } from './interposed.ts'
import { Ear, ear, listener, quick, record, Town, type Tx } from './words.ts'

const byValue = (a: number, b: number): number => a - b

/** Events share transactions, and still stand alone. */
export function batching(make: MakeFlowFixture): void {
  test('Group commit: events that are ready at the same time share transactions', () =>
    inHouse(make, async (house) => {
      let writes = 0
      const service = listener({}, record)
      const outside = await house.open([])
      await house.introduce(service)
      await house.say(outside, upTo(500))
      const app = await house.open([service], {
        onStore: (store) =>
          interposed(store, {
            write: (work, mode) => {
              writes++
              return store.write(work, mode)
            },
          }),
      })
      await house.settled(app)
      assert.equal((await house.numbers(service)).length, 500)
      assert.ok(writes < 100, `${writes} transactions`)
    }))

  test('Group commit: a handler over its budget is undone uncharged, and run alone under ten times the budget', () =>
    inHouse(make, async (house) => {
      const gate = new Gate()
      const attempts: number[] = []
      const running: number[] = []
      const service = listener({ budgetMs: 20 }, async (tx, event) => {
        running.push(event.data.n)
        await record(tx, event)
        if (event.data.n !== 5) return
        attempts.push(event.attempt)
        if (attempts.length === 1) await new Promise(() => {})
        void systemClock.after(40, () => gate.open())
        await gate.passed
      })
      const app = await house.open([service])
      await house.say(app, upTo(20))
      await house.settled(app)
      assert.deepEqual(attempts, [1, 1])
      assert.equal(house.count('overrun'), 1)
      assert.deepEqual((await house.numbers(service)).sort(byValue), upTo(20))
      assert.deepEqual(await house.dead(service), [])
      const others = running.filter((n) => n !== 5).length
      assert.ok(others >= 19 && others <= 2 * 19, 'its batch-mates ran once, or again where savepoints are for show')
    }))

  test('Group commit: an event that throws is not run again with its batch, whatever its savepoint is worth', () =>
    inHouse(make, async (house) => {
      const modes: string[] = []
      const failing: number[] = []
      const service = listener({ retry: { ...quick, attempts: 1 } }, async (tx, event) => {
        await record(tx, event)
        if (event.data.n % 50 !== 7) return
        failing.push(event.data.n)
        throw new Error('no')
      })
      await house.introduce(service)
      const outside = await house.open([])
      await house.say(outside, upTo(2500))
      const app = await house.open([service], {
        onStore: (store) =>
          interposed(store, {
            write: (work, mode = 'serial') =>
              store.write((tx) => {
                if (mode !== 'bookkeeping') modes.push(tx.whole ? 'for show' : 'real')
                return work(tx)
              }, mode),
          }),
      })
      await house.settled(app)
      const fails = (n: number): boolean => n % 50 === 7
      assert.deepEqual(failing.sort(byValue), upTo(2500).filter(fails))
      assert.deepEqual(
        (await house.numbers(service)).sort(byValue),
        upTo(2500).filter((n) => !fails(n)),
      )
      assert.equal((await house.dead(service)).length, 50)
      assert.equal(house.count('conflict'), 0)
      const lesson = modes.indexOf('real')
      assert.ok(lesson >= 0 && !modes.includes('for show', lesson), 'a batch that is spoiled is a lesson to the next')
    }))

  test('Group commit: after an overrun an event is run while no other process writes: it may have waited for their rows', () =>
    inHouse(make, async (house) => {
      const modes: string[] = []
      let current = ''
      const service = listener({ budgetMs: 20 }, async (tx, event) => {
        if (event.data.n === 5 && modes.push(current) === 1) await new Promise(() => {})
        await record(tx, event)
      })
      const app = await house.open([service], {
        onStore: (store) =>
          interposed(store, {
            write: (work, mode = 'serial') =>
              store.write((tx) => {
                if (mode !== 'bookkeeping') current = mode
                return work(tx)
              }, mode),
          }),
      })
      await house.say(app, upTo(20))
      await house.settled(app)
      assert.equal(modes[0] === 'alone', false)
      assert.deepEqual([modes.length, modes.at(-1)], [2, 'alone'])
    }))

  test('Group commit: two overruns park an event, with all others handled', () =>
    inHouse(make, async (house) => {
      const service = listener({ budgetMs: 10 }, async (tx, event) => {
        await record(tx, event)
        if (event.data.n === 5) await new Promise(() => {})
      })
      const app = await house.open([service])
      await house.say(app, upTo(20))
      await house.settled(app)
      const [letter] = await house.dead(service)
      assert.equal(letter?.code, 'budget_exceeded')
      assert.equal(letter?.attempts, 0)
      assert.deepEqual(
        letter?.history.map(({ code, charged }) => [code, charged]),
        [
          ['budget_exceeded', false],
          ['budget_exceeded', false],
        ],
      )
      assert.equal((await house.numbers(service)).length, 19)
    }))

  test('Group commit: a handler that blocks the thread is over its budget though it ends well', () =>
    inHouse(make, async (house) => {
      let runs = 0
      // Ten times the budget leaves a second for the second run, on a machine that is busy with others, too.
      const service = listener({ budgetMs: 100 }, async (tx, event) => {
        if (event.data.n === 1) {
          runs++
          const end = systemClock.monotonic() + 150
          while (systemClock.monotonic() < end);
        }
        await record(tx, event)
      })
      const app = await house.open([service])
      await house.say(app, upTo(5))
      await house.settled(app)
      assert.equal(runs, 2)
      assert.deepEqual((await house.numbers(service)).sort(byValue), upTo(5))
    }))

  test('Group commit: what a handler does after its budget touches nothing, also when it rejects late', () =>
    inHouse(make, async (house) => {
      const gate = new Gate()
      const late: Promise<unknown>[] = []
      let runs = 0
      const service = listener({ budgetMs: 10 }, async (tx: Tx, event) => {
        await record(tx, event)
        if (event.data.n !== 1 || ++runs > 1) return
        const rest = gate.passed.then(() => tx.sql`delete from effect`)
        late.push(rest)
        await rest
        throw new Error('too late')
      })
      const app = await house.open([service])
      await house.say(app, upTo(5))
      await house.settled(app)
      gate.open()
      await assert.rejects(late[0] as Promise<unknown>, { code: 'tx_ended' })
      await house.settled(app)
      assert.deepEqual((await house.numbers(service)).sort(byValue), upTo(5))
    }))

  test('Group commit: an event that fails only at the commit is found, and none of its batch-mates is charged', () =>
    inHouse(make, async (house) => {
      const charged = new Set<number>()
      const service = listener({ retry: { ...quick, attempts: 3 } }, async (tx, event) => {
        if (event.attempt > 1) charged.add(event.data.n)
        await record(tx, event)
        if (event.data.n % 40 === 0) await tx.sql`insert into child (id, parent) values (${event.data.n}, 999)`
      })
      const outside = await house.open([])
      await house.introduce(service)
      await house.say(outside, upTo(200))
      const app = await house.open([service])
      await house.settled(app)
      assert.deepEqual([...charged].sort(byValue), [40, 80, 120, 160, 200])
      assert.deepEqual(
        (await house.numbers(service)).sort(byValue),
        upTo(200).filter((n) => n % 40 !== 0),
      )
      assert.deepEqual(
        (await house.dead(service)).map(({ code, attempts }) => [code, attempts]),
        Array(5).fill(['statement_failed', 3]),
      )
    }))

  test('Group commit: what a handler was given by prepare is its own at each run, also when its batch runs again', () =>
    inHouse(make, async (house) => {
      const service = ear()
      service.on(Town.said, {
        ...{ name: 'ears', from: 'start', retry: { ...quick, attempts: 1 } },
        prepare: () => ({ runs: 0 }),
        handle: async (tx, event, given) => {
          given.runs++
          await record(tx, { ...event, data: { ...event.data, note: `run ${given.runs}` } })
          if (event.data.n === 1) await tx.sql`insert into child (id, parent) values (1, 999)`
        },
      })
      const outside = await house.open([])
      await house.introduce(service)
      await house.say(outside, upTo(20))
      const app = await house.open([service])
      await house.settled(app)
      const notes = new Set((await house.effects(service)).map((effect) => effect.note))
      assert.deepEqual([...notes], ['run 1'])
    }))

  test('Group commit: a full disk pauses all, charges nobody, and goes on when there is space again', () =>
    inHouse(make, async (house) => {
      const attempts = new Set<number>()
      let raw: Store | undefined
      const service = listener({ retry: { ...quick, attempts: 2 } }, async (tx, event) => {
        attempts.add(event.attempt)
        await record(tx, { ...event, data: { ...event.data, note: 'x'.repeat(20_000) } })
      })
      const app = await house.open([service], {
        onStore: (store) => {
          raw = store
          return store
        },
      })
      await house.say(app, [1])
      await house.settled(app)
      const free = await house.fixture.fillDisk(raw as Store)
      await house.say(app, upTo(20).slice(1))
      await until(
        () => house.facts.some((fact) => fact.kind === 'paused' && fact.code === 'disk_full'),
        'nobody noticed the full disk',
      )
      await free()
      await house.settled(app)
      assert.deepEqual([...attempts], [1])
      assert.deepEqual((await house.numbers(service)).sort(byValue), upTo(20))
      assert.equal(house.count('resumed') > 0, true)
      assert.equal(house.count('retried'), 0)
    }))

  test('Group commit: a batch in conflict runs again by half, at last one event alone, and nobody is charged', () =>
    inHouse(make, async (house) => {
      const sizes: { running: number; mode: string }[] = []
      const attempts = new Set<number>()
      let running = 0
      const service = listener({ retry: { ...quick, attempts: 1 } }, async (tx, event) => {
        running++
        attempts.add(event.attempt)
        await record(tx, event)
      })
      await house.introduce(service)
      const outside = await house.open([])
      await house.say(outside, upTo(10))
      const app = await house.open([service], {
        onStore: (store) =>
          interposed(store, {
            write: (work, mode = 'serial') =>
              store.write(async (tx) => {
                // Beside the batch, and not about it.
                if (mode === 'bookkeeping') return work(tx)
                running = 0
                const result = await work(tx)
                if (running === 0) return result
                sizes.push({ running, mode })
                if (mode !== 'alone') throw new SkerryError('conflict', 'test')
                return result
              }, mode),
          }),
      })
      await house.settled(app)
      // A slow machine may leave some of a batch to a later one.
      const most = [10, 5, 3, 2, 1, 1]
      assert.deepEqual(
        sizes.slice(0, 6).map(({ running, mode }, i) => [mode === 'alone', running <= (most[i] as number)]),
        most.map((_, i) => [i === 5, true]),
      )
      assert.deepEqual((await house.numbers(service)).sort(byValue), upTo(10))
      assert.deepEqual([...attempts], [1])
      assert.equal(house.count('retried') + house.count('dead') + house.count('paused'), 0)
      assert.ok(house.count('conflict') > 0)
      const conflicts = async (): Promise<readonly ConflictFigure[]> => {
        return house.onStore(service, async (store) => {
          const moment = await momentOn(store, systemClock, bootIdentity())
          return (await store.read((tx) => storeStatus(tx, moment))).conflicts
        })
      }
      await until(async () => (await conflicts()).length > 0, 'status never told of the conflicts')
      const [figure] = await conflicts()
      assert.deepEqual([figure?.subscription, figure?.type], ['ear/ears', 'said'])
      assert.deepEqual(Object.keys(figure?.candidates ?? {}), ['ear/ears said'])
      assert.ok((figure?.reruns ?? 0) >= 5)
    }))

  test('Group commit: a commit whose answer was lost takes effect once, whether it happened or not', () =>
    inHouse(make, async (house) => {
      let lose: 'before' | 'after' | undefined
      let lost = 0
      const service = listener({ order: 'key' }, async (tx, event) => {
        await record(tx, event)
        await tx.publish(Ear.heard, event.data)
        if (event.data.n === 5 && lost === 0) lose = 'after'
        if (event.data.n === 15 && lost === 1) lose = 'before'
      })
      const app = await house.open([service], {
        onStore: (store) =>
          interposed(store, {
            write: async (work, mode) => {
              const unknown = new SkerryError('outcome_unknown', 'test')
              const result = await store.write(async (tx) => {
                const done = await work(tx)
                if (lose === 'before') {
                  lose = undefined
                  lost++
                  throw unknown
                }
                return done
              }, mode)
              if (lose !== 'after') return result
              lose = undefined
              lost++
              throw unknown
            },
          }),
      })
      await house.say(app, upTo(10))
      await until(async () => (await house.numbers(service)).length === 10, 'the first ten were not handled')
      await house.say(app, upTo(20).slice(10))
      await house.settled(app)
      assert.equal(lose, undefined)
      assert.equal(lost, 2)
      assert.deepEqual(await house.numbers(service), upTo(20))
      assert.equal(house.count('retried'), 0)
      const heard = await house.onLog((bus) => bus.read('ear', 0, { events: 100, bytes: 1e6 }))
      assert.deepEqual(
        heard.events.map(({ record }) => JSON.parse(record.data).n),
        upTo(20),
      )
    }))

  test('Group commit: a machine that fails while an event runs alone is no crash of it', () =>
    inHouse(make, async (house) => {
      let alone = 0
      let broken = false
      const service = listener({ budgetMs: 10 }, async (tx, event) => {
        if (event.data.n === 1 && alone++ === 0) await new Promise(() => {})
        if (event.data.n === 1 && alone < 7) broken = true
        await record(tx, event)
      })
      const app = await house.open([service], {
        onStore: (store) =>
          interposed(store, {
            write: (work, mode) =>
              store.write(async (tx) => {
                const result = await work(tx)
                if (broken) {
                  broken = false
                  throw new SkerryError('io_error', 'test')
                }
                return result
              }, mode),
          }),
      })
      await house.say(app, [1])
      await house.settled(app)
      assert.deepEqual(await house.dead(service), [])
      assert.deepEqual(await house.numbers(service), [1])
    }))
}
