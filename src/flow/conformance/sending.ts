import assert from 'node:assert/strict'
import { test } from 'node:test'
import { call } from '../../call.ts'
import { contract, event } from '../../contract.ts'
import type { Reply } from '../../durable.ts'
import { SkerryError } from '../../errors.ts'
import { type DurableCallOptions, type Service, service } from '../../service.ts'
import { systemClock, VirtualClock } from '../../time.ts'
import { redriveDead } from '../deadletter.ts'
import type { CallContext, CallRequest, ReceivedEvent } from '../handler.ts'
import type { MakeFlowFixture } from './fixture.ts'
import { inHouse, upTo } from './house.ts'
import { effects, quick, record, schemaOf, Town, type Word, word } from './words.ts'

const full = schemaOf<{ n: number }>(() => undefined)
const anything = schemaOf<Word>(() => undefined)

/** A desk; what it takes is asked for by a schema. */
const deskOf = (input: typeof word) =>
  contract('desk', {
    events: { noted: event({ data: word, key: (d) => d.key }) },
    calls: { note: call({ input, output: word, errors: { full: { data: full } }, senders: ['ear', 'eye'] }) },
  })
const Desk = deskOf(word)
const Ear = contract('ear', { events: {} })
const Eye = contract('eye', { events: {} })
const Elsewhere = contract('elsewhere', { events: {}, calls: { note: call({ input: anything, output: anything }) } })

type Tx = CallContext<'desk'>
type Replies = ReceivedEvent<Reply<Word, { full: { data: typeof full } }>>

type Answer = (tx: Tx, request: CallRequest<Word>) => Promise<Word> | Word

function desk(handle: Answer = noted, durableCalls: DurableCallOptions = {}): Service<'desk'> {
  return service(Desk, { migrations: [effects], durableCalls }).serve(Desk.note, handle)
}

async function noted(tx: Tx, request: CallRequest<Word>): Promise<Word> {
  await record(tx as never, { data: request.input } as never)
  await tx.publish(Desk.noted, request.input)
  return { ...request.input, n: request.input.n * 10 }
}

interface Heard {
  readonly sent: Map<number, string>
  readonly replies: Replies[]
}

/** Sends a call for everything that the town says, and keeps what it comes to. */
function sender(heard: Heard, as: typeof Desk = Desk): Service<'ear'> {
  const self = service(Ear, { migrations: [effects] })
  self.subscribe('ears', { from: 'start', retry: quick }).on(Town.said, async (tx, { data, attempt }) => {
    heard.sent.set(data.n, await tx.send(as.note, data.note === 'strange' ? ({ key: 'k' } as Word) : data))
    if (attempt < 3) throw new Error('sent, and then this')
  })
  return self.onReply(Desk.note, { name: 'replies', from: 'start' }, async (tx, reply) => {
    heard.replies.push(reply)
    if (reply.data.kind === 'answered') await record(tx as never, { data: reply.data.output } as never)
  })
}

const fresh = (): Heard => ({ sent: new Map(), replies: [] })

/** Calls that wait for their service as events do. */
export function sending(make: MakeFlowFixture): void {
  test('Durable calls: what is sent while its service is away takes effect once when it is there, and its reply comes back', () =>
    inHouse(make, async (house) => {
      const [heard, callee] = [fresh(), desk()]
      const caller = sender(heard)
      await house.introduce(callee)
      await house.introduce(caller)
      const app = await house.open([caller])
      await house.say(app, [
        { n: 1, key: 'a' },
        { n: 2, key: 'b' },
      ])
      await house.settled(app)
      assert.equal(heard.replies.length, 0)
      const theirs = await house.open([callee])
      await house.settled(theirs)
      await house.settled(app)
      assert.deepEqual((await house.numbers(callee)).sort(), [1, 2])
      assert.deepEqual((await house.numbers(caller)).sort(byValue), [10, 20])
      for (const { key, data, source } of heard.replies) {
        const n = key === 'a' ? 1 : 2
        assert.deepEqual([data.request, source], [heard.sent.get(n), 'desk'])
      }
    }))

  test('Durable calls: a refusal is a reply, leaves nothing else behind, and its batch-mates take effect', () =>
    inHouse(make, async (house) => {
      const heard = fresh()
      const caller = sender(heard)
      const callee = desk(async (tx, request) => {
        const answer = await noted(tx, request)
        if (request.input.n % 2 === 0) throw Desk.note.refuse('full', { n: request.input.n })
        return answer
      })
      await house.introduce(callee)
      await house.introduce(caller)
      const app = await house.open([caller, callee])
      await house.say(app, upTo(10))
      await house.settled(app)
      assert.deepEqual((await house.numbers(callee)).sort(byValue), [1, 3, 5, 7, 9])
      const refused = heard.replies.flatMap(({ data }) => (data.kind === 'refused' ? [data] : []))
      assert.deepEqual(
        refused.map(({ reason, data }) => [reason, data.n]).sort(),
        [2, 4, 6, 8]
          .map((n) => ['full', n])
          .concat([['full', 10]])
          .sort(),
      )
      assert.equal(heard.replies.length, 10)
      assert.deepEqual(await house.dead(callee), [])
    }))

  test('Durable calls: what its service does not take is told to the sender, and is no dead letter', () =>
    inHouse(make, async (house) => {
      const heard = fresh()
      const [caller, callee] = [sender(heard, deskOf(anything)), desk()]
      await house.introduce(callee)
      await house.introduce(caller)
      const app = await house.open([caller, callee])
      await house.say(app, [{ n: 1, key: 'k', note: 'strange' }])
      await house.settled(app)
      const [reply] = heard.replies
      assert.ok(reply?.data.kind === 'invalid', JSON.stringify(reply))
      assert.match(reply.data.message, /^desk\.note: n: is not a number/)
      assert.deepEqual([await house.numbers(callee), await house.dead(callee)], [[], []])
    }))

  test('Durable calls: one that fails is tried again, and one that gave up is a dead letter of its service, answered once it is redriven', () =>
    inHouse(make, async (house) => {
      const heard = fresh()
      const caller = sender(heard)
      let mended = false
      const callee = desk((tx, request) => {
        if (request.input.n === 1 && !mended) throw new SkerryError('terminal', 'never')
        return noted(tx, request)
      })
      await house.introduce(callee)
      await house.introduce(caller)
      const app = await house.open([caller, callee])
      await house.say(app, [1, 2])
      await house.settled(app)
      assert.deepEqual(
        heard.replies.map(({ data }) => data.request),
        [heard.sent.get(2)],
      )
      const [letter] = await house.dead(callee)
      assert.deepEqual([letter?.subscription, letter?.code], ['desk/durable_calls', 'terminal'])
      assert.deepEqual([letter?.stream, letter?.record.id], ['ear', heard.sent.get(1)])
      mended = true
      await house.write(callee, (tx) => redriveDead(tx, letter?.id ?? ''))
      await house.noticed(callee)
      await house.settled(app)
      assert.deepEqual(
        heard.replies.map(({ data }) => [data.request, data.kind]),
        [2, 1].map((n) => [heard.sent.get(n), 'answered']),
      )
      assert.deepEqual([await house.dead(callee), (await house.numbers(callee)).sort()], [[], [1, 2]])
    }))

  test('Durable calls: their service says how often they are tried, and that those of a key are answered in order', () =>
    inHouse(make, async (house) => {
      const tries: number[] = []
      const answer: Answer = (tx, request) => {
        tries.push(request.input.n)
        if (request.input.n === 1) throw new Error('never')
        return noted(tx, request)
      }
      const callee = desk(answer, { order: 'key', onDead: 'continue', retry: { ...quick, attempts: 3 } })
      const caller = service(Ear)
      caller.on(Town.said, { name: 'ears', from: 'start', order: 'key' }, async (tx, { data }) => {
        await tx.send(Desk.note, data)
      })
      await house.introduce(callee)
      await house.introduce(caller)
      const app = await house.open([caller, callee])
      await house.say(app, [1, 2])
      await house.settled(app)
      assert.deepEqual([await house.numbers(callee), tries], [[2], [1, 1, 1, 2]])
      await house.stop(app)
      await assert.rejects(house.open([desk()]), {
        code: 'invalid_config',
        message: "desk/durable_calls: its order is 'key', recorded when it first started; keep that",
      })
    }))

  for (const order of ['none', 'key'] as const)
    test(`Durable calls: tx.cancel withdraws a delayed one before it is due, and not after; order '${order}'`, () =>
      inHouse(make, async (house) => {
        const clock = new VirtualClock(systemClock.wall())
        const [sent, replies, callee] = [new Map<string, string>(), [] as string[], desk(noted, { order })]
        const caller = service(Ear)
        caller.on(Town.said, { name: 'ears', from: 'start', order: 'key' }, async (tx, { data }) => {
          const key = `of ${data.key}`
          if (data.note === 'later') sent.set(data.key, await tx.send(Desk.note, data, { key, delay: 60_000 }))
          else await tx.cancel(Desk.note, sent.get(data.key) ?? '', key)
        })
        caller.onReply(Desk.note, { name: 'replies', from: 'start' }, (_tx, { key }) => void replies.push(key))
        await house.introduce(callee)
        await house.introduce(caller)
        const app = await house.open([caller, callee], { clock })
        const say = async (...words: Word[]): Promise<void> => {
          await house.say(app, words)
          await house.settled(app)
        }
        await say({ n: 1, key: 'a', note: 'later' }, { n: 2, key: 'b', note: 'later' })
        await say({ n: 3, key: 'a', note: 'forget' })
        await clock.advance(120_000)
        await house.settled(app)
        assert.deepEqual([await house.numbers(callee), replies], [[2], ['of b']])
        await say({ n: 4, key: 'b', note: 'forget' })
        assert.deepEqual([await house.numbers(callee), replies], [[2], ['of b']])
        assert.deepEqual(await house.rows(callee, 'select * from skerry_exception'), [])
      }))

  test('Durable calls: one is sent from outside of handlers, too, in the name of a service that runs there', () =>
    inHouse(make, async (house) => {
      const [replies, callee, caller] = [[] as unknown[], desk(), service(Ear)]
      caller.onReply(Desk.note, { name: 'replies', from: 'start' }, (_tx, { key, data }) => {
        replies.push([key, data.request, data.kind])
      })
      await house.introduce(callee)
      await house.introduce(caller)
      const app = await house.open([caller])
      const id = await app.send(caller, Desk.note, { n: 1, key: 'k' }, { key: 'mine' })
      const other = await app.send(caller, Desk.note, { n: 2, key: 'k' })
      const strange = { key: 'k' } as Word
      await assert.rejects(app.send(caller, Desk.note, strange), {
        code: 'invalid_request',
        message: /n: is not a number/,
      })
      await assert.rejects(app.send(service(Eye), Desk.note, { n: 1, key: 'k' }), { code: 'not_found' })
      await assert.rejects(app.send(caller, Elsewhere.note as never, {}), {
        code: 'invalid_config',
        message: /elsewhere\.note: its contract does not let ear send it/,
      })
      const theirs = await house.open([callee])
      await house.settled(app)
      await house.settled(theirs)
      await house.settled(app)
      assert.deepEqual((await house.numbers(callee)).sort(byValue), [1, 2])
      assert.deepEqual(replies.sort(), [
        ['', other, 'answered'],
        ['mine', id, 'answered'],
      ])
    }))

  test('Durable calls: a reply is for whoever sent the call, and nobody sends what the contract does not let them', () =>
    inHouse(make, async (house) => {
      const [heard, seen, wrong] = [fresh(), [] as unknown[], [] as unknown[]]
      const [caller, callee] = [sender(heard), desk()]
      const other = service(Eye).onReply(
        Desk.note,
        { name: 'replies', from: 'start' },
        (_tx, { data }) => void seen.push(data),
      )
      const stranger = service(contract('nose', { events: {} }))
      stranger.on(Town.said, { name: 'noses', from: 'start' }, async (tx, { data }) => {
        await tx.send(Desk.note as never, data as never).catch((error: unknown) => wrong.push(error))
        await tx.cancel(Desk.note as never, 'id').catch((error: unknown) => wrong.push(error))
      })
      for (const one of [callee, caller, other, stranger]) await house.introduce(one)
      const app = await house.open([caller, callee, other, stranger])
      await house.say(app, [1])
      await house.settled(app)
      assert.deepEqual([heard.replies.length, seen, await house.numbers(callee)], [1, [], [1]])
      for (const error of [wrong[0], wrong[1]])
        assert.match(String(error), /desk\.note: its contract does not let nose send it/)
    }))
}

const byValue = (a: number, b: number): number => a - b
