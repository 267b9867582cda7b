import { service } from 'skerry'
import { kysely } from 'skerry/kysely'
import { Gate, Warehouse } from './contract.ts'

export interface Tables {
  readonly stock: { item: string; quantity: number }
}

export const warehouse = service(Warehouse, { migrations: new URL('./migrations/', import.meta.url) })

const stock = warehouse.subscribe('stock', { from: 'start', order: 'key' })

stock.on(Gate.arrived, async (tx, { data }) => {
  await kysely<Tables>(tx)
    .insertInto('stock')
    .values(data)
    .onConflict((same) =>
      same.column('item').doUpdateSet((eb) => ({ quantity: eb('stock.quantity', '+', eb.ref('excluded.quantity')) })),
    )
    .execute()
})

stock.on(Gate.left, async (tx, { data: { item, quantity } }) => {
  const db = kysely<Tables>(tx)
  const taken = await db
    .updateTable('stock')
    .set((eb) => ({ quantity: eb('quantity', '-', quantity) }))
    .where('item', '=', item)
    .where('quantity', '>=', quantity)
    .executeTakeFirst()
  if (taken.numUpdatedRows > 0) return
  const there = await db.selectFrom('stock').select('quantity').where('item', '=', item).executeTakeFirst()
  await tx.publish(Warehouse.short, { item, missing: quantity - (there?.quantity ?? 0) })
})

warehouse.on(Warehouse.short, { name: 'complain', from: 'start' }, (_tx, { data }) => {
  complaints.push(`${data.missing} ${data.item}s more were wanted`)
})

/** For the example's output: in earnest they would be rows, or events. */
export const complaints: string[] = []
