import type { App } from 'skerry'
import { orders } from './service.ts'

/** Lines ordered or cancelled: each counted once, and as often as it had an effect. */
export async function report(app: App): Promise<{ facts: number; lines: number }> {
  return app.read(orders, async (tx) => {
    const [facts] = await tx.sql`select count(*) as n, count(distinct line) as lines from order_line`
    return { facts: Number(facts?.n), lines: Number(facts?.lines) }
  })
}

/** Cheap enough to ask again and again. */
export async function factsSoFar(app: App): Promise<number> {
  return app.read(orders, async (tx) => Number((await tx.sql`select count(*) as n from order_line`)[0]?.n))
}
