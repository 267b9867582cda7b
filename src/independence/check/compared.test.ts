import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { contract, event } from '../../contract.ts'
import { comparedIn } from './compared.ts'
import { Book, book, cellOf, reportOn } from './fixture.ts'

test('values that fields are compared with are read off code and statements, numbers with their neighbours', () => {
  const source = `async (tx, { data }) => {
    if (data.amount > 1_000 || 'vip' === data.customer?.level) return
    if (['GB', "IE"].includes(data.country)) await tx.sql\`update t set n = 1 where kind = 'open' and n < \${data.limit} and \${data.way} = 'in'\`
    await tx.sql\`delete from t where state in ('old', 'gone')\`
    switch (data.mode) { case 'fast': return; case 7: break }
  }`
  const found = comparedIn([source])
  assert.deepEqual(found.get('amount'), [1000, 1001, 999])
  assert.deepEqual(found.get('level'), ['vip'])
  assert.deepEqual(found.get('country'), ['GB', 'IE'])
  assert.deepEqual(found.get('kind'), ['open'])
  assert.deepEqual(found.get('way'), ['in'])
  assert.deepEqual(found.get('state'), ['old', 'gone'])
  assert.deepEqual(found.get('mode'), ['fast', 7, 8, 6])
  assert.equal(found.get('limit'), undefined)
  assert.deepEqual(found.get('')?.slice(0, 3), [1001, 1000, 500])
})

const Bank = contract('bank', {
  events: {
    asked: event({ data: z.object({ account: z.string(), amount: z.int(), kind: z.string() }), key: (d) => d.account }),
  },
})

/** Order matters for large sums of one kind alone. */
function limited() {
  const app = book('create table account (id text primary key, last integer not null)')
  app.subscribe('accounts', { from: 'start' }).on(Bank.asked, async (tx, { data }) => {
    if (data.amount >= 5_000 && isForeign(data)) {
      await tx.sql`insert into account (id, last) values (${data.account}, ${data.amount})
        on conflict (id) do update set last = excluded.last`
      await tx.publish(Book.said, { order: data.account, what: 'large' })
    } else await tx.sql`select last from account where id = ${data.account}`
  })
  return app
}

function isForeign({ kind }: { readonly kind: string }): boolean {
  return kind === 'foreign'
}

test('a branch behind a limit and a word is reached, and what depends on order there is found', async () => {
  const cell = cellOf(await reportOn(limited()), 'bank.asked', 'bank.asked')
  assert.equal(cell.verdict, 'dependent')
})

const most = 10_000

test('a limit on a sum is reached, also where it has a name', async () => {
  const app = book(
    'create table account (id text primary key, sum integer not null, alarms integer not null default 0)',
  )
  app.subscribe('accounts', { from: 'start' }).on(Bank.asked, async (tx, { data }) => {
    const [row] = await tx.sql<{ sum: number }>`insert into account (id, sum) values (${data.account}, ${data.amount})
      on conflict (id) do update set sum = account.sum + excluded.sum returning sum`
    if ((row?.sum ?? 0) > most) await tx.sql`update account set alarms = alarms + 1 where id = ${data.account}`
  })
  assert.equal(cellOf(await reportOn(app), 'bank.asked', 'bank.asked').verdict, 'dependent')
})
