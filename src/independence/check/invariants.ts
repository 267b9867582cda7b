import { messageOf, SkerryError } from '../../errors.ts'
import type { Sql } from '../../flow/handler.ts'
import type { Unit } from './job.ts'
import { siteOf } from './sites.ts'

/** The stores by their services' names, read-only: each has `sql`. */
// biome-ignore lint/suspicious/noExplicitAny: a checked index would ask for `?.`, which no template can follow
export type Stores = { readonly [service: string]: any }
/** By name; each gives the rows that must not be there. */
export type Invariants = Readonly<Record<string, (stores: Stores) => Promise<readonly unknown[]>>>

/** The name of the first of these that does not hold now, if there is one. Throws `invalid_config` for one that cannot be asked. */
export async function failing(
  kind: 'invariant' | 'eventually',
  units: readonly Unit[],
  questions: Invariants,
): Promise<string | undefined> {
  if (Object.keys(questions).length === 0) return undefined
  for (const { db } of units) db.watch()
  const stores = Object.fromEntries(units.map(storeOf))
  for (const [name, ask] of Object.entries(questions)) {
    try {
      if ((await ask(stores)).length > 0) return name
    } catch (cause) {
      const services = Object.keys(stores).join(', ')
      const why = `${kind} '${name}' cannot be asked: ${messageOf(cause)}; the services are ${services}`
      throw new SkerryError('invalid_config', why, { cause })
    }
  }
  return undefined
}

function storeOf({ service, db }: Unit): [string, { sql: Sql }] {
  const sql = (async (template: TemplateStringsArray, ...values: unknown[]) =>
    db.query(template, values, siteOf(template), 'read')) as Sql
  return [service.name, { sql }]
}
