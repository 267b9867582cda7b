import { type ReadContext, service } from 'skerry'
import { Office } from './contract.ts'

const rows = 5

export const office = service(Office, { migrations: new URL('./migrations/', import.meta.url) })

async function leftFor(show: string, { sql }: Pick<ReadContext, 'sql'>): Promise<number> {
  const [row] = await sql<{ sold: number }>`select sold from show where name = ${show}`
  return rows - (row?.sold ?? 0)
}

/** The seats, the event and the answer are one transaction; so is the record of the idempotency key. */
office.serve(Office.buy, async (tx, { input: { show, seats } }) => {
  const left = await leftFor(show, tx)
  if (seats > left) throw Office.buy.refuse('soldOut', { left })
  await tx.sql`insert into show (name, sold) values (${show}, ${seats})
    on conflict (name) do update set sold = show.sold + excluded.sold`
  await tx.publish(Office.sold, { show, seats })
  const first = rows - left + 1
  return { show, seats: Array.from({ length: seats }, (_, i) => first + i) }
})

/** On a snapshot: it waits for no writer. */
office.serve(Office.left, async (tx, { input }) => ({ left: await leftFor(input.show, tx) }))
