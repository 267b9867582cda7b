import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { contract, event } from '../../contract.ts'
import type { Delivery } from '../../event.ts'
import { compose } from '../../flow/compose.ts'
import { type Random, seededRandom } from '../../ids.ts'
import { service } from '../../service.ts'
import { type Exploring, explore, type Model } from './explore.ts'
import { migration } from './fixture.ts'
import { Flow } from './flow.ts'
import { type Footprint, meeting } from './footprint.ts'
import { look, opaque, textOf } from './observed.ts'
import { Whole } from './whole.ts'
import { World } from './world.ts'

describe('steps that always touch the same', () => {
  /** One step a thread; each writes the edges that it is on. */
  const model = (
    edges: readonly (readonly [number, number])[],
    threads: number,
  ): Model<ReadonlySet<string>, number[]> => {
    let done: number[] = []
    return {
      enabled: () => [...Array(threads).keys()].filter((n) => !done.includes(n)).map(String),
      choices: () => [''],
      step: async (thread) => {
        done = [...done, Number(thread)]
        return new Set(edges.filter((edge) => edge.includes(Number(thread))).map(String))
      },
      mark: () => done,
      back: (mark) => {
        done = mark
      },
    }
  }
  const meets = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean => [...a].some((edge) => b.has(edge))

  /** Ways to direct all edges without a circle. */
  const orientations = (edges: readonly (readonly [number, number])[], threads: number): number => {
    let count = 0
    for (let bits = 0; bits < 2 ** edges.length; bits++) {
      const directed = edges.map(([a, b], i) => ((bits >> i) & 1 ? ([a, b] as const) : ([b, a] as const)))
      let left = [...Array(threads).keys()]
      for (let again = true; again; ) {
        const free = left.filter((n) => !directed.some(([from, to]) => to === n && left.includes(from)))
        left = left.filter((n) => !free.includes(n))
        again = free.length > 0
      }
      if (left.length === 0) count++
    }
    return count
  }

  test('are run once for each acyclic orientation of what meets what', async () => {
    const random = seededRandom('graphs')
    for (let n = 0; n < 60; n++) {
      const threads = 2 + Math.floor(random() * 5)
      const all = [...Array(threads).keys()].flatMap((a) => [...Array(a).keys()].map((b) => [b, a] as const))
      const edges = all.filter(() => random() < 0.45).slice(0, 9)
      const common = { meets, ended: () => true, most: 1e6 }
      const { complete } = await explore(model(edges, threads), { ...common, orders: 'reduced' })
      assert.equal(complete, orientations(edges, threads), JSON.stringify(edges))
    }
  })
})

const Op = z.object({ what: z.string(), k: z.string(), n: z.int() })
type Op = z.infer<typeof Op>
const data = z.object({ ops: z.array(Op), next: z.array(Op) })
const Programs = contract('programs', {
  events: {
    run: event({ data }),
    two: event({ data }),
    lane: event({ data, key: () => 'one' }),
    came: event({ data }),
  },
})

/** Does what its event says, in one step or in two. */
function interpreter() {
  const app = service(Programs, {
    migrations: migration(
      'create table t (k text primary key, n integer not null); create table log (k text, n integer)',
    ),
  })
  type Tx = Parameters<Parameters<typeof app.on<unknown, z.infer<typeof data>>>[2]>[0]
  const perform = async (tx: Tx, { what, k, n }: Op): Promise<void> => {
    if (what === 'add')
      await tx.sql`insert into t (k, n) values (${k}, ${n}) on conflict (k) do update set n = t.n + excluded.n`
    if (what === 'set')
      await tx.sql`insert into t (k, n) values (${k}, ${n}) on conflict (k) do update set n = excluded.n`
    if (what === 'first') await tx.sql`insert into t (k, n) values (${k}, ${n}) on conflict do nothing`
    if (what === 'note') await tx.sql`insert into log (k, n) values (${k}, ${n})`
    if (what === 'guard' && (await tx.sql`update t set n = n + 1 where k = ${k}`).changes === 0)
      throw new Error('not there')
    if (what === 'sum') await tx.sql`insert into log (k, n) select 'sum', coalesce(sum(n), 0) from t`
  }
  const handle = async (tx: Tx, received: { readonly data: z.infer<typeof data> }): Promise<void> => {
    for (const op of received.data.ops) await perform(tx, op)
    const [next] = received.data.next
    if (next) await tx.publish(Programs.came, { ops: [next], next: [] })
  }
  app.subscribe('any', { from: 'start' }).on(Programs.run, handle).on(Programs.came, handle)
  app.subscribe('lane', { from: 'start', order: 'key' }).on(Programs.lane, handle)
  app.on(Programs.two, {
    name: 'two',
    from: 'start',
    prepare: async (ctx, received) => {
      const k = received.data.ops[0]?.k ?? ''
      return (await ctx.sql<{ n: number }>`select n from t where k = ${k}`)[0]?.n ?? 0
    },
    handle: async (tx, received, n) => {
      const k = received.data.ops[0]?.k ?? ''
      await tx.sql`insert into t (k, n) values (${k}, ${n + 1}) on conflict (k) do update set n = excluded.n`
    },
  })
  return app
}

/** A few events, now and then one of them twice; at most eight steps, with what they emit. */
function program(random: Random, number: number): { events: Delivery[]; twice: boolean; crashes: number } {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  const op = (): Op => ({
    what: pick(['add', 'add', 'set', 'first', 'note', 'guard', 'sum']),
    k: pick(['a', 'b', 'c']),
    n: pick([1, 2]),
  })
  let steps = 0
  const events: Delivery[] = []
  while (steps < (number % 5 === 0 ? 4 : 3)) {
    const type = pick([Programs.run, Programs.run, Programs.lane, Programs.two])
    const emits = type !== Programs.two && random() < 0.3
    const content = { ops: random() < 0.3 ? [op(), op()] : [op()], next: emits ? [op()] : [] }
    const record = compose(type, content, undefined, { id: `${number}-${events.length}`, now: 1000, maxBytes: 1e6 })
    events.push({ stream: 'programs', position: events.length, record })
    steps += type === Programs.two ? 2 : emits ? 2 : 1
  }
  return { events, twice: random() < 0.3, crashes: random() < 0.5 ? 1 : 0 }
}

test('what is left out comes to nothing new: the endings are those of every order, on generated programs', async (t) => {
  const world = await World.open([interpreter()])
  t.after(() => world.close())
  const flow = new Flow(world)
  const random = seededRandom('programs')
  const totals = { all: 0, reduced: 0, endings: 0 }
  for (let number = 0; number < 200; number++) {
    const { events, twice, crashes } = program(random, number)
    const endings = async (orders: Exploring<Footprint>['orders']): Promise<string[]> => {
      const start = flow.mark()
      for (const one of events) flow.publish(one)
      if (twice && flow.course.pending[0]) flow.duplicate(flow.course.pending[0])
      const found = new Set<string>()
      const ended = (): boolean => {
        found.add(textOf(look(world, flow.course, opaque([]))))
        return true
      }
      const meets = (a: Footprint, b: Footprint): boolean => meeting(a, b) !== undefined
      const { complete } = await explore(new Whole(flow, crashes), { meets, ended, orders, most: 1e6 })
      totals[orders] += complete
      flow.back(start)
      flow.course = { ...flow.course, settled: new Map() }
      return [...found].sort()
    }
    const all = await endings('all')
    assert.deepEqual(
      await endings('reduced'),
      all,
      JSON.stringify(events.map(({ record }) => [record.type, record.data])),
    )
    totals.endings += all.length
  }
  t.diagnostic(JSON.stringify(totals))
  assert.ok(totals.reduced < totals.all / 3 && totals.endings > 250, JSON.stringify(totals))
})
