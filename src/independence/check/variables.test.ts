import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { book, Desk, reportOn } from './fixture.ts'
import type { Report } from './report.ts'

const stock = 'create table stock (item text primary key, n integer not null)'

let last = 0
const seen = new Set<string>()
const sizes: Readonly<Record<string, number>> = { a: 1, b: 2 }
const grouped = { of: { everything: [] as string[] } }

class Counter {
  n = 0
  next(): number {
    return ++this.n
  }
}
const counter = new Counter()

function raise(): number {
  last += 1
  return last
}

/** What each handler of `counted` is made to do, and what is said of it. */
async function saidOf(work: (item: string) => number): Promise<Report> {
  const app = book(stock)
  app.subscribe('stock', { from: 'start' }).on(Desk.counted, async (tx, { data }) => {
    const n = work(data.item)
    await tx.sql`insert into stock (item, n) values (${data.item}, ${n * 0}) on conflict (item) do nothing`
  })
  return reportOn(app)
}

function named({ troubles }: Report): string[] {
  return troubles.filter(({ kind }) => kind === 'memory').map(({ what, site }) => `${what.split("'")[1]} ${site}`)
}

describe('variables behind the checker', () => {
  const kinds: [what: string, name: string, work: (item: string) => number][] = [
    ['a variable of the module', 'last', () => raise()],
    ['a set of the module', 'seen', (item) => seen.add(`${item}${seen.size}`).size],
    ['a list deep in an object', 'grouped', (item) => grouped.of.everything.push(item)],
    ['an object of a class', 'counter', () => counter.next()],
  ]
  for (const [what, name, work] of kinds)
    test(`${what} is named, with its line, though its values are never seen`, async () => {
      const report = await saidOf(work)
      assert.match(named(report).join(), new RegExp(`^${name} src/independence/check/variables\\.test\\.ts:\\d+$`))
      assert.ok(report.cells.every(({ verdict }) => verdict === 'withheld'))
    })

  test('a variable of the function around the handlers is named as well', async () => {
    let inner = 0
    const report = await saidOf(() => inner++)
    assert.match(named(report).join(), /^inner src\/independence\/check\/variables\.test\.ts:\d+$/)
  })

  test('what only the one handler uses is held against it alone', async () => {
    const app = book(stock)
    app
      .subscribe('stock', { from: 'start' })
      .on(Desk.counted, async (tx, { data }) => {
        raise()
        await tx.sql`insert into stock (item, n) values (${data.item}, 0) on conflict (item) do nothing`
      })
      .on(Desk.priced, async (tx, { data }) => {
        await tx.sql`insert into stock (item, n) values (${data.item}, 0) on conflict (item) do nothing`
      })
    const { cells } = await reportOn(app)
    const said = cells.find(({ a, b, level }) => level === 'commuting' && a === 'desk.priced' && b === a)
    assert.equal(said?.verdict, 'independent')
    assert.ok(cells.filter(({ a }) => a === 'desk.counted').every(({ verdict }) => verdict === 'withheld'))
  })

  test('what nobody changes is nobody’s business, and neither is declared memory', async () => {
    const app = book(stock)
    const counts = app.memory(() => new Map<string, number>())
    app.subscribe('stock', { from: 'start' }).on(Desk.counted, async (tx, { data }) => {
      counts().set(data.item, sizes[data.item] ?? 0)
      await tx.sql`insert into stock (item, n) values (${data.item}, ${counts().get(data.item)}) on conflict do nothing`
    })
    const report = await reportOn(app)
    assert.deepEqual(report.troubles, [])
  })
})
