import type { App } from 'skerry'
import { carts } from './service.ts'

/** What is in a cart now, by stock code. */
export async function cartContent(app: App, cart: string): Promise<Map<string, number>> {
  return app.read(carts, async (tx) => {
    const rows = await tx.sql`select stock_code, quantity from cart_content where cart = ${cart} order by stock_code`
    return new Map(rows.map((row) => [String(row.stock_code), Number(row.quantity)]))
  })
}

/** Lines bought: each counted once, and as often as it had an effect. */
export async function report(app: App): Promise<{ facts: number; lines: number }> {
  return app.read(carts, async (tx) => {
    const [facts] = await tx.sql`select count(*) as n, count(distinct line) as lines from bought`
    return { facts: Number(facts?.n), lines: Number(facts?.lines) }
  })
}

/** Cheap enough to ask again and again. */
export async function factsSoFar(app: App): Promise<number> {
  return app.read(carts, async (tx) => Number((await tx.sql`select count(*) as n from bought`)[0]?.n))
}
