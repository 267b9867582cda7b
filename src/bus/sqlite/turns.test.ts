import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type TurnEvent, Turns } from './turns.ts'

const told = (events: TurnEvent<string>[]): string => events.map((e) => `${e.kind} ${e.member} ${e.grant}`).join(', ')

function opened(): Turns<string> {
  const turns = new Turns<string>(0)
  turns.open()
  return turns
}

test('a turn is granted to who asks first and kept until another asks', () => {
  const turns = opened()
  assert.equal(told(turns.ask('a')), 'granted a 1')
  assert.equal(told(turns.ask('b')), 'wanted a 1')
  assert.equal(told(turns.ask('c')), '', 'the holder is asked once')
  assert.equal(told(turns.yield('a', 1)), 'granted b 2, wanted b 2')
  assert.equal(told(turns.ask('a')), '')
  assert.equal(told(turns.yield('b', 2)), 'granted c 3, wanted c 3')
  assert.equal(told(turns.yield('c', 3)), 'granted a 4')
})

test('a member that goes frees its turn and its place in the queue', () => {
  const turns = opened()
  for (const member of ['a', 'b', 'c']) turns.ask(member)
  assert.equal(told(turns.drop('b')), '')
  assert.equal(told(turns.drop('a')), 'revoked a 1, granted c 2')
  assert.equal(told(turns.yield('a', 1)), '', 'the yield of a turn that was taken away changes nothing')
  assert.equal(turns.holder, 'c')
  turns.drop('c')
  assert.equal(told(turns.ask('c')), 'granted c 3')
  assert.equal(told(turns.yield('c', 2)), '', 'nor does one of an earlier turn')
  assert.equal(turns.holder, 'c')
})

test('before it is open nothing is granted, and a holder from before is heard', () => {
  const turns = new Turns<string>(100)
  assert.equal(told(turns.ask('b')), '')
  assert.equal(told(turns.adopt('a', 7)), '')
  assert.equal(told(turns.adopt('c', 6)), 'revoked c 6', 'two cannot have held it')
  assert.equal(told(turns.open()), 'wanted a 7')
  assert.equal(told(turns.yield('a', 7)), 'granted b 101')
})

type Step = readonly [kind: 'ask' | 'yield' | 'drop', member: number]

test('whatever happens, at most one holds a turn, and nobody who asked is forgotten', () =>
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom('ask', 'ask', 'yield', 'drop'), fc.nat(4)), { maxLength: 60 }),
      (steps) => {
        const turns = opened()
        const grants = new Map<string, number>()
        const asked: string[] = []
        for (const [kind, number] of steps as Step[]) {
          const member = `m${number}`
          const grant = grants.get(member)
          if (kind === 'ask' && grant === undefined && !asked.includes(member)) asked.push(member)
          if (kind === 'drop' && asked.includes(member)) asked.splice(asked.indexOf(member), 1)
          if (kind === 'yield') grants.delete(member)
          const events =
            kind === 'ask' ? turns.ask(member) : kind === 'drop' ? turns.drop(member) : turns.yield(member, grant ?? -1)
          for (const event of events) {
            if (event.kind === 'revoked') grants.delete(event.member)
            if (event.kind !== 'granted') continue
            assert.equal(event.member, asked.shift(), 'in the order of asking')
            grants.set(event.member, event.grant)
          }
          assert.ok(grants.size <= 1)
          assert.equal(grants.size === 0 && asked.length > 0, false, 'nobody waits while nobody holds')
        }
      },
    ),
  ))
