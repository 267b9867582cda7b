import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Claimed } from './cells.ts'
import { Book, book, Desk, reportOn } from './fixture.ts'
import { isFailure, type Report } from './report.ts'

const orders = 'create table orders (id text primary key, status text not null)'

function statusOf(report: Report, a: string, b: string): string | undefined {
  return report.cells.find((cell) => cell.level === 'republication' && cell.a === a && cell.b === b)?.verdict
}

/** Opening again leaves alone what there is; closing says so. */
function shop(claims?: readonly ['republication']) {
  const app = book(orders)
  app.subscribe('open', { from: 'start', ...(claims && { claims }) }).on(Desk.opened, async (tx, { data }) => {
    await tx.sql`insert into orders (id, status) values (${data.order}, 'open') on conflict (id) do nothing`
  })
  app.subscribe('closed', { from: 'start' }).on(Desk.closed, async (tx, { data }) => {
    await tx.sql`insert into orders (id, status) values (${data.order}, 'closed')
      on conflict (id) do update set status = 'closed'`
    await tx.publish(Book.said, { order: data.order, what: 'closed' })
  })
  return app
}

describe('the same fact under a new id', () => {
  test('changes nothing, or does; each event of a pair has an answer of its own', async () => {
    const report = await reportOn(shop())
    assert.equal(statusOf(report, 'desk.opened', 'desk.closed'), 'independent')
    assert.equal(statusOf(report, 'desk.opened', 'desk.opened'), 'independent')
    assert.equal(statusOf(report, 'desk.closed', 'desk.opened'), 'dependent', 'what is said twice is said twice')
  })

  test('counts also after what came in between', async () => {
    const app = book(orders)
    app
      .subscribe('orders', { from: 'start' })
      .on(Desk.opened, async (tx, { data }) => {
        await tx.sql`insert into orders (id, status) values (${data.order}, 'open')
          on conflict (id) do update set status = 'open'`
      })
      .on(Desk.closed, async (tx, { data }) => void (await tx.sql`delete from orders where id = ${data.order}`))
    const report = await reportOn(app)
    assert.equal(statusOf(report, 'desk.opened', 'desk.closed'), 'dependent')
    assert.equal(statusOf(report, 'desk.closed', 'desk.opened'), 'dependent')
    assert.equal(statusOf(report, 'desk.closed', 'desk.closed'), 'independent')
    assert.equal(statusOf(report, 'desk.opened', 'desk.opened'), 'independent')
  })

  test('fails where it is claimed: everywhere, for a type, for a subscription', async () => {
    const failing = ({ cells, claims }: Report): string[] =>
      cells
        .filter((cell) => cell.level === 'republication' && isFailure(cell, { strict: false, claims }))
        .map(({ a, b }) => `${a} × ${b}`)
    const claimed: readonly (readonly [Claimed[], number])[] = [
      [[], 0],
      [['republication'], 2],
      [[['republication', Desk.closed]], 2],
      [[['republication', Desk.opened]], 0],
    ]
    for (const [claims, n] of claimed) assert.equal(failing(await reportOn(shop(), { claims })).length, n)
    assert.deepEqual(failing(await reportOn(shop(['republication']))), [])
    const all = book(orders)
    all.subscribe('said', { from: 'start', claims: ['republication'] }).on(Desk.closed, async (tx, { data }) => {
      await tx.publish(Book.said, { order: data.order, what: 'closed' })
    })
    assert.deepEqual(failing(await reportOn(all)), ['desk.closed × desk.closed'])
  })
})
