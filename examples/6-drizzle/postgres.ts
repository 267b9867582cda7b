import { and, eq, gte, sql } from 'drizzle-orm'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { service } from 'skerry'
import { Gate, Warehouse } from './contract.ts'
import { postgresDrizzle } from './drizzle.ts'

const stock = pgTable('stock', { item: text().primaryKey(), quantity: integer().notNull() })

export const warehouse = service(Warehouse, { migrations: new URL('./migrations/', import.meta.url) })

warehouse
  .subscribe('stock', { from: 'start', order: 'key' })
  .on(Gate.arrived, async (tx, { data }) => {
    await postgresDrizzle(tx)
      .insert(stock)
      .values(data)
      .onConflictDoUpdate({ target: stock.item, set: { quantity: sql`${stock.quantity} + excluded.quantity` } })
  })
  .on(Gate.left, async (tx, { data: { item, quantity } }) => {
    const db = postgresDrizzle(tx)
    const taken = await db
      .update(stock)
      .set({ quantity: sql`${stock.quantity} - ${quantity}` })
      .where(and(eq(stock.item, item), gte(stock.quantity, quantity)))
      .returning()
    if (taken.length > 0) return
    const [there] = await db.select().from(stock).where(eq(stock.item, item))
    await tx.publish(Warehouse.short, { item, missing: quantity - (there?.quantity ?? 0) })
  })

export const left = (tx: Parameters<typeof postgresDrizzle>[0]) =>
  postgresDrizzle(tx).select().from(stock).orderBy(stock.item)
