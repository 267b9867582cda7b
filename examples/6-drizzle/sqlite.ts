import { and, eq, gte, sql } from 'drizzle-orm'
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { service } from 'skerry'
import { Gate, Warehouse } from './contract.ts'
import { sqliteDrizzle } from './drizzle.ts'

const stock = sqliteTable('stock', { item: text().primaryKey(), quantity: integer().notNull() })

export const warehouse = service(Warehouse, { migrations: new URL('./migrations/', import.meta.url) })

warehouse
  .subscribe('stock', { from: 'start', order: 'key' })
  .on(Gate.arrived, async (tx, { data }) => {
    await sqliteDrizzle(tx)
      .insert(stock)
      .values(data)
      .onConflictDoUpdate({ target: stock.item, set: { quantity: sql`${stock.quantity} + excluded.quantity` } })
  })
  .on(Gate.left, async (tx, { data: { item, quantity } }) => {
    const db = sqliteDrizzle(tx)
    const taken = await db
      .update(stock)
      .set({ quantity: sql`${stock.quantity} - ${quantity}` })
      .where(and(eq(stock.item, item), gte(stock.quantity, quantity)))
      .returning()
    if (taken.length > 0) return
    const [there] = await db.select().from(stock).where(eq(stock.item, item))
    await tx.publish(Warehouse.short, { item, missing: quantity - (there?.quantity ?? 0) })
  })

export const left = (tx: Parameters<typeof sqliteDrizzle>[0]) =>
  sqliteDrizzle(tx).select().from(stock).orderBy(stock.item)
