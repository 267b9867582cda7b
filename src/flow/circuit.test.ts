import assert from 'node:assert/strict'
import { test } from 'node:test'
import { afterOutcome, afterTime, type Circuit, circuitRoom, circuitWindow, closedCircuit } from './circuit.ts'

const random = (): number => 0

/** The circuit after a run of outcomes at time 0; `.` was available, `x` was not. */
function run(outcomes: string, from: Circuit = closedCircuit): Circuit {
  let circuit = from
  for (const outcome of outcomes) circuit = afterOutcome(circuit, outcome === '.', 0, random)
  return circuit
}

test('a closed circuit lets everything through, and stays closed while all goes well', () => {
  assert.equal(circuitRoom(closedCircuit, 1000), Number.POSITIVE_INFINITY)
  assert.equal(run('....................'), closedCircuit)
})

test('four failures are no judgement, five are', () => {
  assert.equal(run('xxxx').state, 'closed')
  assert.deepEqual(run('xxxxx'), { state: 'open', until: 500, openings: 1 })
})

test('half of the latest outcomes open it, fewer do not', () => {
  assert.equal(run('.x.x.x').state, 'open')
  assert.equal(run('x..x..x..x..x..x..x..x..x..').state, 'closed')
})

test('only the latest outcomes count', () => {
  const long = `x${'.'.repeat(circuitWindow.most)}`
  assert.deepEqual(run(`${long}xxxx`).state, 'closed')
  assert.deepEqual(run(`${long}.`), closedCircuit)
})

test('an open circuit lets nothing through until its pause is over, whatever late outcomes say', () => {
  const open = run('xxxxx')
  assert.equal(circuitRoom(open, 0), 0)
  assert.equal(run('.x.x', open), open)
  assert.equal(afterTime(open, 499), open)
  assert.deepEqual(afterTime(open, 500), { state: 'probing', openings: 1 })
})

test('a probing circuit lets one event through at a time', () => {
  const probing = afterTime(run('xxxxx'), 500)
  assert.equal(circuitRoom(probing, 0), 1)
  assert.equal(circuitRoom(probing, 1), 0)
})

test('a probe that succeeds closes it; one that fails opens it for longer, up to half a minute', () => {
  let circuit = afterTime(run('xxxxx'), 500)
  assert.equal(run('.', circuit), closedCircuit)
  const pauses: number[] = []
  for (let i = 0; i < 9; i++) {
    const open = afterOutcome(circuit, false, 1000, random)
    assert.equal(open.state, 'open')
    pauses.push(open.state === 'open' ? open.until - 1000 : 0)
    circuit = afterTime(open, Number.POSITIVE_INFINITY)
  }
  assert.deepEqual(pauses, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000])
})

test('time changes nothing but an open circuit', () => {
  assert.equal(afterTime(closedCircuit, 1e9), closedCircuit)
  const probing: Circuit = { state: 'probing', openings: 3 }
  assert.equal(afterTime(probing, 1e9), probing)
})

test('pauses vary by a fifth, so that many processes do not probe at once', () => {
  const open = afterOutcome({ state: 'probing', openings: 0 }, false, 0, () => 1)
  assert.deepEqual(open, { state: 'open', until: 400, openings: 1 })
})
