import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Book, book, cellOf, Desk, reportOn } from './fixture.ts'
import type { Stores } from './invariants.ts'
import type { Wholes } from './report.ts'
import { unexplained } from './wholes.ts'

const orders = 'create table orders (id text primary key, status text not null)'

/** An order is open until the service hears of itself that it said so. */
function settling(says: (order: string) => boolean) {
  const app = book(orders)
  app
    .subscribe('orders', { from: 'start' })
    .on(Desk.opened, async (tx, { data }) => {
      const { changes } =
        await tx.sql`insert into orders (id, status) values (${data.order}, 'open') on conflict (id) do nothing`
      if (changes > 0 && says(data.order)) await tx.publish(Book.said, { order: data.order, what: 'opened' })
    })
    .on(Book.said, async (tx, { data }) => {
      await tx.sql`update orders set status = 'settled' where id = ${data.order}`
    })
  return app
}

describe('all services together', () => {
  const open = (s: Stores) => s.book.sql`select id from orders where status = 'open'`

  test('what holds once all is quiet is asked at the end of every order, and not before', async () => {
    const { wholes } = await reportOn(
      settling(() => true),
      { eventually: { open } },
    )
    assert.deepEqual(wholes.findings, [])
    assert.ok(wholes.sets > 0 && wholes.schedules >= wholes.sets)
  })

  test('what does not is named, with the events and the shortest order', async () => {
    const { wholes } = await reportOn(
      settling((order) => order !== 'b'),
      { eventually: { open } },
    )
    const [finding] = wholes.findings
    assert.deepEqual([finding?.kind, finding?.what], ['eventually', "'open' does not hold once all is quiet"])
    assert.ok(finding?.first.includes('desk.opened {"order":"b"}'))
    assert.ok(finding?.order.includes('book/orders: desk.opened'))
  })

  test('events that always bring about another are never quiet', async () => {
    const app = book(orders)
    app
      .subscribe('orders', { from: 'start' })
      .on(Desk.opened, async (tx, { data }) => void (await tx.publish(Book.said, { ...data, what: 'once more' })))
      .on(Book.said, async (tx, { data }) => void (await tx.publish(Book.said, data)))
    const { wholes } = await reportOn(app)
    assert.deepEqual(
      wholes.findings.map(({ kind }) => kind),
      ['endless'],
    )
    assert.match(wholes.findings[0]?.what ?? '', /there is always another book\.said/)
  })

  test('different ends are news only where no pair explains them', async () => {
    const app = book(orders)
    app.subscribe('orders', { from: 'start' }).on(Desk.opened, async (tx, { data }) => {
      await tx.sql`insert into orders (id, status) values (${data.order}, 'open') on conflict (id) do nothing`
    })
    const { cells } = await reportOn(app)
    const finding = { kind: 'apart', what: '', first: [], order: [], sampled: false } as const
    const wholes: Wholes = { sets: 1, schedules: 2, sampled: 0, findings: [finding] }
    assert.deepEqual(unexplained(wholes, cells), [finding])
    const cell = cellOf({ cells } as Parameters<typeof cellOf>[0], 'desk.opened', 'desk.opened')
    assert.deepEqual(unexplained(wholes, [{ ...cell, verdict: 'declared' }]), [])
  })
})
