import { type HandleContext, service } from 'skerry'
import { Site, sql, Traffic } from '../contract.ts'

export const traffic = service(Traffic, {
  projection: true,
  migrations: [{ number: 1, name: 'page', additive: true, sql }],
})

async function count(tx: HandleContext, page: string): Promise<void> {
  await tx.sql`
    insert into page (page, actions) values (${page}, 1) on conflict (page) do update set actions = page.actions + 1`
}

traffic
  .subscribe('pages', { from: 'start' })
  .on(Site.visited, (tx, { data }) => count(tx, data.page))
  .on(Site.shared, (tx, { data }) => count(tx, data.page))
  .on(Site.bought, (tx, { data }) => count(tx, data.page))
