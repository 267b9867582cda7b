import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { z } from 'zod'
import { contract, event } from './contract.ts'
import { kysely } from './kysely.ts'
import { service } from './service.ts'
import { start } from './start.ts'

interface Tables {
  readonly stock: { sku: string; quantity: number }
}

const Sold = event({ data: z.object({ sku: z.string(), quantity: z.number() }), key: (d) => d.sku })
const Shop = contract('shop', { events: { sold: Sold } })
const sql = "create table stock (sku text primary key, quantity integer); insert into stock values ('a', 5), ('b?', 7)"

test('queries run in the handler’s own transaction, and are undone with it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'skerry-kysely-'))
  const stock = service(contract('stock', { events: {} }), {
    migrations: [{ number: 1, name: 'stock', sql, additive: true }],
  })
  const changed: bigint[] = []
  stock.subscribe('all', { from: 'start', retry: { attempts: 1 } }).on(Shop.sold, async (tx, { data }) => {
    const db = kysely<Tables>(tx)
    const left = await db
      .updateTable('stock')
      .set((eb) => ({ quantity: eb('quantity', '-', data.quantity) }))
      .where('sku', '=', data.sku)
      .executeTakeFirst()
    changed.push(left.numUpdatedRows)
    const rows = await db.selectFrom('stock').selectAll().where('sku', 'in', [data.sku, 'x']).execute()
    if ((rows[0]?.quantity ?? 0) < 0) throw new Error('more sold than there is')
  })
  const app = await start([stock], { dir, durability: 'normal' })
  try {
    await app.publish(Shop.sold, { sku: 'a', quantity: 2 })
    await app.publish(Shop.sold, { sku: 'b?', quantity: 100 })
    await app.publish(Shop.sold, { sku: 'none', quantity: 1 })
    await app.settled()
    const rows = await app.read(stock, (tx) =>
      kysely<Tables>(tx).selectFrom('stock').selectAll().orderBy('sku').execute(),
    )
    assert.deepEqual(
      rows.map(({ sku, quantity }) => [sku, quantity]),
      [
        ['a', 3],
        ['b?', 7],
      ],
    )
    assert.deepEqual(changed, [1n, 1n, 0n])
  } finally {
    await app.stop()
    rmSync(dir, { recursive: true })
  }
})

test('the same query is the same template, so that it is prepared once', async () => {
  const seen = new Set<TemplateStringsArray>()
  const tx = {
    dialect: 'postgres' as const,
    sql: (async (template: TemplateStringsArray) => {
      seen.add(template)
      return Object.assign([], { changes: 0 })
    }) as never,
  }
  for (const quantity of [1, 2, 3])
    await kysely<Tables>(tx).insertInto('stock').values({ sku: 'a', quantity }).execute()
  assert.deepEqual(
    [...seen].map((template) => template.join('?')),
    ['insert into "stock" ("sku", "quantity") values (?, ?)'],
  )
})

test('a transaction of its own is refused', async () => {
  const tx = { dialect: 'sqlite' as const, sql: (() => assert.fail()) as never }
  await assert.rejects(
    kysely<Tables>(tx)
      .transaction()
      .execute(async () => {}),
    { code: 'statement_refused' },
  )
})
