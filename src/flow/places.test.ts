import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Position } from '../event.ts'
import { advance } from './places.ts'
import type { Cursor, Work } from './state.ts'

/**
 * The position against a naive model that remembers every event: some of the log concerns nobody, what is read is in
 * flight until a batch settles it, batches settle any of it in any order, and a crash forgets all but the disk.
 */
interface Model {
  readonly cursor: Cursor
  readonly settled: Set<Position>
  readonly rows: Set<Position>
  readonly ours: Set<Position>
}

const workAt = (position: Position): Work => ({ delivery: { position } }) as Work

function read(model: Model, count: number): void {
  for (let i = 0; i < count; i++) {
    const position = model.cursor.read++
    if (model.ours.has(position)) model.cursor.open.set(position, workAt(position))
  }
}

/** What `moveCursor` does with the answer, on the model's disk. */
function commit(model: Model, done: ReadonlySet<Position>): void {
  const { cursor } = model
  const before = cursor.next
  const { next, overtaken } = advance(cursor, done)
  assert.ok(next >= before, 'the position never goes back')
  assert.ok(next <= cursor.read, 'nothing that was not read is passed')
  for (const work of overtaken) model.rows.add(work.delivery.position)
  for (const position of done) model.settled.add(position)
  cursor.next = next
  for (const position of done) cursor.open.delete(position)
  for (const work of overtaken) cursor.open.delete(work.delivery.position)
  for (const position of model.ours)
    if (position < next)
      assert.ok(model.settled.has(position) || model.rows.has(position), `${position} was passed unsettled`)
  for (const position of cursor.open.keys()) assert.ok(position >= next, 'what is in flight is above the position')
}

test('the position passes nothing that is neither settled nor has a row, in whatever order events are settled', () =>
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat({ max: 300 })),
      fc.array(fc.tuple(fc.nat({ max: 40 }), fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 })), {
        maxLength: 30,
      }),
      (ours, steps) => {
        const cursor: Cursor = { stream: 's', next: 0, read: 0, open: new Map(), stale: true, end: 0 }
        const model: Model = { cursor, settled: new Set(), rows: new Set(), ours: new Set(ours) }
        for (const [reads, picks] of steps) {
          read(model, reads)
          const open = [...cursor.open.keys()]
          const done = new Set(picks.map((at) => open[Math.floor(at * open.length)]).filter((p) => p !== undefined))
          if (done.size > 0) commit(model, done)
        }
      },
    ),
  ))

test('settling all that was read moves the position to where reading goes on', () => {
  const cursor: Cursor = { stream: 's', next: 0, read: 0, open: new Map(), stale: true, end: 0 }
  const model: Model = { cursor, settled: new Set(), rows: new Set(), ours: new Set([3, 5]) }
  read(model, 10)
  commit(model, new Set([3, 5]))
  assert.equal(cursor.next, 10)
  assert.equal(model.rows.size, 0)
})

test('only what was overtaken gets a row', () => {
  const cursor: Cursor = { stream: 's', next: 0, read: 0, open: new Map(), stale: true, end: 0 }
  const model: Model = { cursor, settled: new Set(), rows: new Set(), ours: new Set([1, 2, 3, 4]) }
  read(model, 10)
  commit(model, new Set([1, 3]))
  assert.deepEqual([...model.rows], [2])
  assert.equal(cursor.next, 4)
})
