import type { App } from 'skerry'
import { users } from './service.ts'

/** How many customers are registered, and how many rows named one: each counted once, and as often as it had an effect. */
export async function report(app: App): Promise<{ customers: number; facts: number; lines: number }> {
  return app.read(users, async (tx) => {
    const [customers] = await tx.sql`select count(*) as n from customer`
    const [facts] = await tx.sql`select count(*) as n, count(distinct line) as lines from sighting`
    return { customers: Number(customers?.n), facts: Number(facts?.n), lines: Number(facts?.lines) }
  })
}

/** Cheap enough to ask again and again. */
export async function factsSoFar(app: App): Promise<number> {
  return app.read(users, async (tx) => Number((await tx.sql`select count(*) as n from sighting`)[0]?.n))
}
