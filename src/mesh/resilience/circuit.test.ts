import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { VirtualClock } from '../../time.ts'
import { Circuit, type Ticket } from './circuit.ts'

function rig(random = 0) {
  const clock = new VirtualClock()
  const circuit = new Circuit(() => random)
  const admit = (): Ticket | undefined => circuit.admit(clock.monotonic())
  const end = (ticket: Ticket | undefined, verdict: 'good' | 'bad' | 'none'): void => {
    assert.ok(ticket !== undefined, 'the call was let through')
    circuit.ended(ticket, verdict, clock.monotonic())
  }
  /** `.` is a call that went well, `x` one that failed, `-` one that was given up. */
  const run = (calls: string): void => {
    for (const c of calls) end(admit(), c === '.' ? 'good' : c === 'x' ? 'bad' : 'none')
  }
  return { clock, circuit, admit, end, run }
}

test('closed stays closed: nineteen failures are no judgement, and less than half is none either', () => {
  const few = rig()
  few.run('x'.repeat(19))
  assert.equal(few.circuit.state, 'closed')
  const some = rig()
  some.run('.x.'.repeat(50))
  assert.equal(some.circuit.state, 'closed')
})

test('closed opens when half of at least twenty failed, and lets nothing through', () => {
  const { circuit, admit, run } = rig()
  run('.x'.repeat(10))
  assert.equal(circuit.state, 'open')
  assert.equal(circuit.opensAgainAt, 1000)
  assert.equal(admit(), undefined)
})

test('a good outcome does not open it, nor do calls that were given up', () => {
  const { circuit, run } = rig()
  run('x'.repeat(12))
  run('-'.repeat(100))
  run('.'.repeat(8))
  assert.equal(circuit.state, 'closed')
  run('x')
  assert.equal(circuit.state, 'open')
})

test('what is older than the window is forgotten', async () => {
  const { clock, circuit, run } = rig()
  run('x'.repeat(19))
  await clock.advance(10_000)
  run('x'.repeat(19))
  assert.equal(circuit.state, 'closed')
  run('x')
  assert.equal(circuit.state, 'open')
})

test('open becomes probing when its pause is over, and lets one call through at a time', async () => {
  const { clock, circuit, admit, end, run } = rig()
  run('x'.repeat(20))
  await clock.advance(999)
  assert.equal(admit(), undefined)
  await clock.advance(1)
  const probe = admit()
  assert.equal(circuit.state, 'probing')
  assert.equal(admit(), undefined)
  end(probe, 'none')
  assert.equal(circuit.state, 'probing')
  assert.notEqual(admit(), undefined, 'a probe that was given up makes room for another')
})

test('a probe that goes well closes it, with nothing held against it', async () => {
  const { clock, circuit, run } = rig()
  run('x'.repeat(20))
  await clock.advance(1000)
  run('.')
  assert.equal(circuit.state, 'closed')
  run('x'.repeat(19))
  assert.equal(circuit.state, 'closed')
})

test('a probe that fails opens it for twice as long, up to half a minute', async () => {
  const { clock, circuit, run } = rig()
  run('x'.repeat(20))
  const pauses: number[] = []
  for (let i = 0; i < 7; i++) {
    pauses.push((circuit.opensAgainAt as number) - clock.monotonic())
    await clock.advance(pauses.at(-1) as number)
    run('x')
    assert.equal(circuit.state, 'open')
  }
  assert.deepEqual(pauses, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
})

test('after it closed, pauses begin anew', async () => {
  const { clock, circuit, run } = rig()
  run('x'.repeat(20))
  await clock.advance(1000)
  run('x')
  await clock.advance(2000)
  run('.')
  run('x'.repeat(20))
  assert.equal((circuit.opensAgainAt as number) - clock.monotonic(), 1000)
})

test('outcomes of calls that began before it opened change nothing', async () => {
  const { clock, circuit, admit, end, run } = rig()
  const [early, other] = [admit(), admit()]
  run('x'.repeat(20))
  end(early, 'good')
  assert.equal(circuit.state, 'open')
  await clock.advance(1000)
  const probe = admit()
  end(other, 'good')
  assert.equal(circuit.state, 'probing')
  end(probe, 'good')
  assert.equal(circuit.state, 'closed')
})

test('pauses vary by a fifth', () => {
  const { circuit, run } = rig(1)
  run('x'.repeat(20))
  assert.equal(circuit.opensAgainAt, 800)
})

test('whatever happens, an unhealthy service gets at most one call at a time once it is open, and a healthy one gets out', () => {
  const steps = fc.array(fc.record({ gapMs: fc.nat(5000), good: fc.boolean() }), { maxLength: 200 })
  fc.assert(
    fc.property(steps, (all) => {
      const circuit = new Circuit(() => 0)
      let now = 0
      for (const { gapMs, good } of all) {
        now += gapMs
        const tickets = [circuit.admit(now), circuit.admit(now)].filter((t) => t !== undefined)
        if (circuit.state !== 'closed') assert.ok(tickets.length <= 1)
        for (const ticket of tickets) circuit.ended(ticket, good ? 'good' : 'bad', now)
      }
      const ticket = circuit.admit(now + 60_000) as Ticket
      circuit.ended(ticket, 'good', now + 60_000)
      assert.equal(circuit.state, 'closed')
    }),
  )
})
