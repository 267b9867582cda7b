import { z } from 'zod'
import { contract, event } from '../../src/contract.ts'
import type { Delivery } from '../../src/event.ts'
import { compose } from '../../src/flow/compose.ts'
import type { Random } from '../../src/ids.ts'
import { service } from '../../src/service.ts'

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
export function interpreter() {
  const sql = 'create table t (k text primary key, n integer not null); create table log (k text, n integer)'
  const app = service(Programs, { migrations: [{ number: 1, name: 'tables', additive: true, sql }] })
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

export interface Program {
  readonly events: readonly Delivery[]
  /** The first one is delivered once more. */
  readonly twice: boolean
  readonly crashes: number
}

/** A few events, now and then one of them twice; at most eight steps, with what they emit. */
export function program(random: Random, number: number): Program {
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
