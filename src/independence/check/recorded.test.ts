import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { z } from 'zod'
import { contract, event } from '../../contract.ts'
import { seededRandom } from '../../ids.ts'
import { check } from './check.ts'
import { Book, book, cellOf, Desk, reportOn } from './fixture.ts'
import { Recording } from './recorded.ts'
import { terminalLines } from './terminal.ts'

function line(type: string, data: unknown, id = 'e1'): string {
  const source = type.split('.')[0]
  return JSON.stringify({ specversion: '1.0', id, source, type: `skerry.${type}`, data })
}

const opened = [Desk.opened, Desk.closed]

test('a recording gives events that contracts accept, and says what it did not give', () => {
  const text = [
    line('desk.opened.v1', { order: 'A-1' }),
    line('desk.opened.v1', { order: 7 }),
    line('desk.opened.v2', { order: 'A-2' }),
    line('hall.shut.v1', {}),
    '',
  ].join('\n')
  const { taken } = Recording.of(text, opened)
  assert.deepEqual({ ...taken, refused: taken.refused.length }, { events: 1, types: 1, others: 1, refused: 2 })
  assert.match(taken.refused[0] ?? '', /^line 2: desk\.opened: .*order/)
  assert.match(taken.refused[1] ?? '', /^line 3: .*version 2 is not known/)
})

test('a line that is no CloudEvent is named', () => {
  const text = `${line('desk.opened.v1', { order: 'A-1' })}\n{"order":"A-1"}\n`
  assert.throws(() => Recording.of(text, opened), {
    code: 'invalid_event',
    message: /recorded events, line 2: specversion/,
  })
})

test('older versions are brought up to date', () => {
  const data = z.object({ order: z.string(), currency: z.string() })
  const upcast = { 1: (old: { order: string }) => ({ ...old, currency: 'GBP' }) }
  const Later = contract('later', { events: { placed: event({ data, version: 2, upcast }) } })
  const recording = Recording.of(line('later.placed.v1', { order: 'A-1' }), [Later.placed])
  assert.deepEqual(recording.draw(seededRandom('1')).whole('later.placed'), { order: 'A-1', currency: 'GBP' })
})

test('fields with a value in common draw from the same few, whatever they are called', () => {
  const orders = [...Array(50).keys()].map((n) => `order ${n}`)
  const text = orders.flatMap((order) => [
    line('desk.opened.v1', { order }),
    line('book.said.v1', { order, what: 'x' }),
  ])
  const recording = Recording.of(text.join('\n'), [Desk.opened, Book.said])
  for (let seed = 0; seed < 20; seed++) {
    const drawn = recording.draw(seededRandom(String(seed)))
    const few = drawn.values('desk.opened', 'order')
    assert.ok(few.length > 0 && few.length <= 3)
    assert.deepEqual(drawn.values('book.said', 'order'), few)
    // What is tried as it was is about one of them.
    assert.ok(few.includes((drawn.whole('desk.opened') as { order: string }).order))
  }
})

/** Order matters for few items only, which neither schema nor comparison tells of. */
function rare() {
  const app = book('create table price (item text primary key, price integer not null)')
  app.subscribe('price', { from: 'start' }).on(Desk.priced, async (tx, { data }) => {
    if (/^ZX-8\d$/.test(data.item))
      await tx.sql`insert into price (item, price) values (${data.item}, ${data.price})
        on conflict (item) do update set price = excluded.price`
    else await tx.sql`select price from price where item = ${data.item}`
  })
  return app
}

test('a dependence that only recorded values show is found with them', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-recorded-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'events.jsonl')
  const items = ['QL', 'ZX-81', 'ZX-80', 'C-5']
  const lines = items.flatMap((item) =>
    [1, 2].map((price) => line('desk.priced.v1', { item, price }, `${item} ${price}`)),
  )
  writeFileSync(file, lines.join('\n'))
  const without = cellOf(await reportOn(rare()), 'desk.priced', 'desk.priced')
  assert.notEqual(without.verdict, 'dependent')
  const report = await reportOn(rare(), { recorded: file })
  assert.equal(cellOf(report, 'desk.priced', 'desk.priced').verdict, 'dependent')
  assert.match(report.examples[0]?.schedules[0][0] ?? '', /ZX-8/)
  const shown = terminalLines(report, { strict: false, claims: report.claims })
  assert.ok(shown.includes('Recorded: 8 events of 1 type'), shown.join('\n'))
})

test('a file that is not there, or has nothing for these handlers, is refused', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-recorded-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'events.jsonl')
  const run = (): Promise<unknown> => check(rare(), { recorded: file }).run({ seed: 1 })
  await assert.rejects(run(), { code: 'not_found', message: /events\.jsonl cannot be read/ })
  writeFileSync(file, line('hall.shut.v1', {}))
  await assert.rejects(run(), { code: 'invalid_config', message: /1 events? of types? that nobody here handles/ })
})
