import { type HandleContext, service } from 'skerry'
import { Site, sql, Traffic } from '../contract.ts'

export const traffic = service(Traffic, {
  projection: true,
  migrations: [{ number: 1, name: 'page', additive: true, sql }],
})

const actions = traffic.memory(() => new Map<string, number>())

async function count(tx: HandleContext, page: string): Promise<void> {
  const n = (actions().get(page) ?? 0) + 1
  actions().set(page, n)
  await tx.sql`
    insert into page (page, actions) values (${page}, ${n}) on conflict (page) do update set actions = excluded.actions`
}

traffic
  .subscribe('pages', { from: 'start' })
  .on(Site.visited, (tx, { data }) => count(tx, data.page))
  .on(Site.shared, (tx, { data }) => count(tx, data.page))
  .on(Site.bought, (tx, { data }) => count(tx, data.page))
