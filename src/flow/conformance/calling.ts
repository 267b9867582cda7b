import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { App } from '../../app.ts'
import { type AnyCall, call } from '../../call.ts'
import { contract, event } from '../../contract.ts'
import { SkerryError } from '../../errors.ts'
import { type Service, service } from '../../service.ts'
import { type Clock, pause, systemClock } from '../../time.ts'
import type { CallContext, CallRequest } from '../handler.ts'
import type { MakeFlowFixture } from './fixture.ts'
import { Gate, inHouse, until, upTo } from './house.ts'
import { effects, listener, record, schemaOf, type Word, word } from './words.ts'

const full = schemaOf<{ n: number }>(() => undefined)

const Desk = contract('desk', {
  events: { noted: event({ data: word, key: (d) => d.key }) },
  calls: {
    note: call({ input: word, output: word, errors: { full: { data: full }, shut: { status: 423 } } }),
    set: call({ input: word, output: word, idempotent: true }),
    seen: call({ input: word, output: word, readOnly: true, from: ['ear'] }),
    short: call({ input: word, output: word, deadlineMs: 30, rememberMs: 60_000 }),
  },
})

type Tx = CallContext<'desk'>
type Handle = (tx: Tx, request: CallRequest<Word>) => Promise<Word> | Word

async function write(tx: Tx, { input: { n, key, note } }: CallRequest<Word>): Promise<void> {
  await tx.sql`insert into effect (place, n, key, note)
    select coalesce(max(place), 0) + 1, ${n}, ${key}, ${note ?? null} from effect`
}

const plain: Handle = async (tx, request) => {
  await write(tx, request)
  await tx.publish(Desk.noted, request.input)
  return request.input
}

/** All calls with one handler, but the read-only one. */
function desk(handle: Handle = plain, prepare?: (key: string) => Promise<unknown>): Service<'desk'> {
  const self = service(Desk, { migrations: [effects] })
  if (prepare)
    self.serve(Desk.note, {
      prepare: (ctx) => ctx.once('outside', prepare),
      handle: (tx, request) => handle(tx, request),
    })
  else self.serve(Desk.note, handle)
  self.serve(Desk.set, handle).serve(Desk.short, handle)
  return self.serve(Desk.seen, async (tx, { input }) => {
    const rows = await tx.sql`select n from effect`
    return { ...input, n: rows.length }
  })
}

const said = (n: number): Word => ({ n, key: 'k' })
const ask = (app: App, n: number, options: object = {}): Promise<Word> => app.call(Desk.note, said(n), options)
const seen = async (app: App): Promise<number> => (await app.call(Desk.seen, said(0), { from: 'ear' })).n
const failsWith = (code: string) => (error: unknown) => error instanceof SkerryError && error.code === code

/** Handlers of calls run in the store as those of events do. */
export function calling(make: MakeFlowFixture): void {
  effectsOfCalls(make)
  deadlines(make)
  keys(make)
  preparing(make)
}

function effectsOfCalls(make: MakeFlowFixture): void {
  test('Calls: the answer comes once state and events are committed', () =>
    inHouse(make, async (house) => {
      const self = desk()
      self.subscribe('own', { from: 'start' }).on(Desk.noted, (tx, one) => record(tx as never, one))
      const app = await house.open([self])
      assert.deepEqual(await ask(app, 1), said(1))
      assert.deepEqual((await house.numbers(self)).slice(0, 1), [1])
      await house.settled(app)
      assert.deepEqual(await house.numbers(self), [1, 1])
    }))

  test('Calls: many at once take effect each; one that throws has none, and the others do', () =>
    inHouse(make, async (house) => {
      const self = desk(async (tx, request) => {
        await plain(tx, request)
        if (request.input.n % 7 === 0) throw Desk.note.refuse('full', { n: request.input.n })
        return request.input
      })
      const app = await house.open([self])
      const ends = await Promise.allSettled(upTo(50).map((n) => ask(app, n)))
      const expected = upTo(50).filter((n) => n % 7 !== 0)
      assert.deepEqual(
        ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value.n] : [])),
        expected,
      )
      assert.deepEqual(
        (await house.numbers(self)).sort((a, b) => a - b),
        expected,
      )
      const [first] = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []))
      assert.ok(Desk.note.refused(first, 'full') && first.data.n === 7)
      assert.ok(!Desk.note.refused(first, 'shut'))
    }))

  test('Calls: what does not fit the schema changes nothing, neither on the way in nor out', () =>
    inHouse(make, async (house) => {
      const self = desk(async (tx, request) => {
        await write(tx, request)
        return {} as Word
      })
      const app = await house.open([self])
      await assert.rejects(ask(app, 'one' as never), failsWith('invalid_request'))
      await assert.rejects(ask(app, 1), failsWith('failed'))
      assert.deepEqual(await house.numbers(self), [])
    }))

  test('Calls: a deferred constraint that fails at the commit fails its own call alone', () =>
    inHouse(make, async (house) => {
      const self = desk(async (tx, request) => {
        await write(tx, request)
        if (request.input.n === 3) await tx.sql`insert into child (id, parent) values (1, 99)`
        return request.input
      })
      const app = await house.open([self])
      const ends = await Promise.allSettled(upTo(5).map((n) => ask(app, n)))
      assert.deepEqual(ends.map(({ status }) => status).indexOf('rejected'), 2)
      assert.deepEqual((await house.numbers(self)).sort(), [1, 2, 4, 5])
    }))

  test('Calls: a read-only one is answered while a write is under way, and sees what is committed', () =>
    inHouse(make, async (house) => {
      const [inside, go] = [new Gate(), new Gate()]
      const self = desk(async (tx, request) => {
        await write(tx, request)
        inside.open()
        await go.passed
        return request.input
      })
      const app = await house.open([self])
      const writing = ask(app, 1)
      await inside.passed
      assert.equal(await seen(app), 0)
      go.open()
      await writing
      assert.equal(await seen(app), 1)
      await assert.rejects(app.call(Desk.seen, said(0)), failsWith('unauthorized'))
      await assert.rejects(app.call(Desk.seen, said(0), { from: 'hill' }), failsWith('unauthorized'))
    }))

  test('Calls: one that overruns its budget has no effect, and runs again alone', () =>
    inHouse(make, async (house) => {
      let runs = 0
      const self = desk(async (tx, request) => {
        await write(tx, request)
        runs++
        if (runs === 1) await pause(systemClock, 150)
        return request.input
      })
      const app = await house.open([self])
      await ask(app, 1)
      assert.equal(runs, 2)
      assert.deepEqual(await house.numbers(self), [1])
    }))

  test('Calls: a stale version runs both steps again', () =>
    inHouse(make, async (house) => {
      let runs = 0
      const self = desk(async (tx, request) => {
        await write(tx, request)
        if (++runs < 3) await tx.versioned`update counted set value = 1 where key = 'none'`
        return request.input
      })
      const app = await house.open([self])
      await ask(app, 1)
      assert.deepEqual([runs, await house.numbers(self)], [3, [1]])
    }))

  test('Calls: what they emit tells what caused it, and a withdrawal reaches the event it names', () =>
    inHouse(make, async (house) => {
      const causes: unknown[] = []
      const self = desk(async (tx, request) => {
        const later = await tx.publish(Desk.noted, { n: 8, key: 'x' }, { delay: 60_000 })
        await tx.publish(Desk.noted, { n: 9, key: 'x' })
        await tx.cancel(Desk.noted, later, 'x')
        return { ...request.input, note: request.id }
      })
      self.subscribe('own', { from: 'start', order: 'key' }).on(Desk.noted, (_tx, { data, attributes }) => {
        causes.push([data.n, attributes.causationid, attributes.correlationid])
      })
      const app = await house.open([self])
      const { note } = await app.call(Desk.note, said(1), { key: 'a' })
      await house.settled(app)
      assert.deepEqual(causes, [[9, note, note]])
      assert.deepEqual(await house.rows(self, "select 1 as one from skerry_exception where state = 'delayed'"), [])
    }))
}

function deadlines(make: MakeFlowFixture): void {
  test('Calls: a deadline that passes while the call waits has no effect', () =>
    inHouse(make, async (house) => {
      const [inside, go] = [new Gate(), new Gate()]
      const self = desk(async (tx, request) => {
        await write(tx, request)
        if (request.input.n === 1) {
          inside.open()
          await go.passed
        }
        return request.input
      })
      const app = await house.open([self])
      const first = ask(app, 1)
      await inside.passed
      await assert.rejects(app.call(Desk.short, said(2)), failsWith('deadline_exceeded'))
      const gone = new AbortController()
      const third = ask(app, 3, { signal: gone.signal })
      gone.abort()
      go.open()
      await first
      await assert.rejects(third, failsWith('cancelled'))
      await ask(app, 4)
      assert.deepEqual(await house.numbers(self), [1, 4])
    }))

  test('Calls: a deadline that passes while the handler runs undoes it', () =>
    inHouse(make, async (house) => {
      const self = desk(async (tx, request) => {
        await write(tx, request)
        if (request.input.n === 1) await pause(systemClock, 60)
        return request.input
      })
      const app = await house.open([self])
      await assert.rejects(app.call(Desk.short, said(1)), failsWith('deadline_exceeded'))
      await ask(app, 2)
      assert.deepEqual(await house.numbers(self), [2])
    }))
}

function keys(make: MakeFlowFixture): void {
  test('Idempotency keys: the same call again is answered as before, and another input is refused', () =>
    inHouse(make, async (house) => {
      let runs = 0
      const self = desk(async (tx, request) => {
        runs++
        await plain(tx, request)
        return { ...request.input, note: tx.id() }
      })
      const app = await house.open([self])
      const first = await ask(app, 1, { key: 'a' })
      assert.deepEqual(await ask(app, 1, { key: 'a' }), first)
      await assert.rejects(ask(app, 2, { key: 'a' }), failsWith('key_reused'))
      const again = await house.open([self])
      assert.deepEqual(await app.call(Desk.note, { key: 'k', n: 1 }, { key: 'a' }), first)
      assert.deepEqual(await ask(again, 1, { key: 'a' }), first)
      assert.deepEqual(await ask(app, 1, { key: 'b' }), { ...first, note: (await ask(app, 1, { key: 'b' })).note })
      await app.call(Desk.set, said(5), { key: 'a' })
      await app.call(Desk.set, said(5), { key: 'a' })
      assert.deepEqual([runs, await house.numbers(self)], [4, [1, 1, 5, 5]])
    }))

  test('Idempotency keys: while the first call runs a second one is told to wait', () =>
    inHouse(make, async (house) => {
      const [inside, go] = [new Gate(), new Gate()]
      const self = desk(async (tx, request) => {
        await write(tx, request)
        inside.open()
        await go.passed
        return request.input
      })
      const app = await house.open([self])
      const first = ask(app, 1, { key: 'a' })
      await inside.passed
      await assert.rejects(ask(app, 1, { key: 'a' }), failsWith('in_progress'))
      await assert.rejects(ask(app, 2, { key: 'a' }), failsWith('key_reused'))
      go.open()
      await first
      assert.deepEqual(await ask(app, 1, { key: 'a' }), said(1))
      assert.deepEqual(await house.numbers(self), [1])
    }))

  test('Idempotency keys: what the contract refuses is remembered, any other failure is not', () =>
    inHouse(make, async (house) => {
      const faults = [new Error('broken'), Desk.note.refuse('full', { n: 3 }), undefined]
      const self = desk((_tx, request) => {
        const fault = faults.shift()
        if (fault) throw fault
        return request.input
      })
      const app = await house.open([self])
      await assert.rejects(ask(app, 1, { key: 'a' }), /broken/)
      for (let n = 0; n < 2; n++)
        await assert.rejects(
          ask(app, 1, { key: 'a' }),
          (error) => Desk.note.refused(error, 'full') && error.data.n === 3 && error.status === 409,
        )
      assert.equal(faults.length, 1)
    }))

  test('Idempotency keys: an answer is forgotten after its time', () =>
    inHouse(make, async (house) => {
      let later = 0
      const clock: Clock = { ...systemClock, wall: () => systemClock.wall() + later }
      const self = desk()
      const app = await house.open([self], { clock })
      const short = (): Promise<Word> => app.call(Desk.short, said(1), { key: 'a', deadlineMs: 2000 })
      await short()
      later = 59_000
      await short()
      assert.deepEqual(await house.numbers(self), [1])
      later = 61_000
      await short()
      assert.deepEqual(await house.numbers(self), [1, 1])
    }))
}

function preparing(make: MakeFlowFixture): void {
  test('Calls: what prepare did outside is done once for a key, however often its second step fails', () =>
    inHouse(make, async (house) => {
      const acts: string[] = []
      let failures = 2
      const self = desk(
        async (tx, request) => {
          await write(tx, request)
          if (failures-- > 0) throw new Error('not yet')
          return request.input
        },
        async (key) => acts.push(key),
      )
      const app = await house.open([self])
      await assert.rejects(ask(app, 1, { key: 'a' }), /not yet/)
      await assert.rejects(ask(app, 1, { key: 'a' }), /not yet/)
      await ask(app, 1, { key: 'a' })
      await ask(app, 1, { key: 'a' })
      await ask(app, 1, { key: 'b' })
      assert.equal(new Set(acts).size, 2)
      assert.equal(acts.length, 2)
      assert.deepEqual(await house.numbers(self), [1, 1])
      assert.deepEqual(await house.rows(self, 'select name from skerry_once'), [])
    }))

  test('Calls: while one process prepares, another is told to wait; after the deadline of the first it may take over', () =>
    inHouse(make, async (house) => {
      const [inside, go] = [new Gate(), new Gate()]
      const self = desk(plain, async () => {
        inside.open()
        await go.passed
      })
      const [app, other] = [await house.open([self]), await house.open([self])]
      const first = ask(app, 1, { key: 'a', deadlineMs: 150 })
      const lost = assert.rejects(first, failsWith('deadline_exceeded'))
      await inside.passed
      await assert.rejects(ask(other, 1, { key: 'a' }), failsWith('in_progress'))
      await lost
      go.open()
      assert.deepEqual(await ask(other, 1, { key: 'a' }), said(1))
      assert.deepEqual(await house.numbers(self), [1])
    }))

  test('Calls: after a process died half-way, the key is free once its deadline has passed', () =>
    inHouse(make, async (house) => {
      const self = desk(plain, async () => 1)
      const app = await house.open([self])
      await ask(app, 1, { key: 'other' })
      // What a process that is no more has left.
      const until_ = systemClock.wall() + 300
      await house.write(self, async (tx) => {
        await tx.run("update skerry_call set key = 'a', owner = 'gone', answer = null, until = ?", until_)
      })
      await assert.rejects(ask(app, 1, { key: 'a' }), failsWith('in_progress'))
      await until(async () => systemClock.wall() > until_, 'time stands still')
      assert.deepEqual(await ask(app, 1, { key: 'a' }), said(1))
      assert.deepEqual(await house.numbers(self), [1, 1])
    }))

  test('Calls: a service that does not answer all calls of its contract does not start', () =>
    inHouse(make, async (house) => {
      const bare = service(Desk, { migrations: [effects] })
      await assert.rejects(house.open([bare]), /desk\.note has no handler/)
      const app = await house.open([listener({}, () => {})])
      await assert.rejects(app.call(Desk.note as AnyCall, said(1)), failsWith('not_found'))
    }))
}
