import { SkerryError } from '../../errors.ts'
import type { StoreTx } from '../store.ts'
import { openError } from './errors.ts'
import { clientConfig, parseUrl, quoted, schemaName, shown } from './place.ts'

/** The application that a service's store belongs to while it is made anew: no tool sees it, and no service can have it. */
export const scratchApp = (app: string): string => `${app}~rebuild`

/** Removes what is left of a store that was made anew; nothing happens where there is none. */
export async function dropScratch(text: string, service: string, app: string): Promise<void> {
  const url = parseUrl(text)
  const { Client } = (await import('pg')).default
  const client = new Client(clientConfig(url, 5000))
  // Whatever ends the connection meanwhile is told by the query that is under way.
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query(`drop schema if exists ${quoted(schemaName(service, scratchApp(app)))} cascade`)
  } catch (error) {
    throw openError(error, shown(url))
  } finally {
    await client.end().catch(() => {})
  }
}

interface Thing {
  readonly kind: string
  readonly name: string
}

/**
 * Replaces all tables of the service by those of its scratch store, as far as this transaction goes: nobody sees half of it.
 * Skerry's own tables stay; those of the scratch can be read as `<result>.<table>`. Tables are moved, not copied. Whatever
 * outside of the schema depends on the old ones ends it, with `statement_failed`.
 */
export async function adoptSchema(tx: StoreTx, service: string, app: string): Promise<string> {
  const [live, scratch] = [schemaName(service, app), schemaName(service, scratchApp(app))]
  await refuseForeign(tx, scratch)
  for (const { kind, name } of await things(tx, live)) await tx.run(`drop ${kind} if exists ${quoted(live)}.${name}`)
  for (const { kind, name } of await things(tx, scratch))
    await tx.run(`alter ${kind} ${quoted(scratch)}.${name} set schema ${quoted(live)}`)
  return quoted(scratch)
}

/** Kinds of relations, by PostgreSQL's letters. */
const relations = { r: 'table', p: 'table', v: 'view', m: 'materialized view', S: 'sequence' } as const

/**
 * What the service made in a schema, in the order in which nothing depends on what is dropped: views before tables, each
 * before what it was made of; then what tables are made of. What belongs to a table goes with it.
 */
async function things(tx: StoreTx, schema: string): Promise<Thing[]> {
  const own = (catalogue: string): string =>
    `not exists (select 1 from pg_depend d where d.classid = '${catalogue}'::regclass and d.objid = o.oid
       and d.deptype in ('e', 'a', 'i', 'P'))`
  const found = await tx.all<{ kind: string; name: string }>(
    `select kind, name from (
       select o.relkind::text as kind, quote_ident(o.relname) as name, o.oid,
         case when o.relkind in ('v', 'm') then 0 when o.relkind in ('r', 'p') then 1 else 2 end as class
       from pg_class o where o.relnamespace = ?::text::regnamespace and o.relkind in ('r', 'p', 'v', 'm', 'S')
         and not starts_with(o.relname, 'skerry_') and (o.relispartition or ${own('pg_class')})
       union all
       select 'routine', o.oid::regprocedure::text, o.oid, 3 from pg_proc o
       where o.pronamespace = ?::text::regnamespace and ${own('pg_proc')}
       union all
       select case o.typtype when 'd' then 'domain' else 'type' end, quote_ident(o.typname), o.oid, 4 from pg_type o
       where o.typnamespace = ?::text::regnamespace and o.typtype in ('e', 'd', 'r', 'c') and ${own('pg_type')}
         and (o.typrelid = 0 or exists (select 1 from pg_class c where c.oid = o.typrelid and c.relkind = 'c'))
     ) as all_things order by class, oid desc`,
    ...[schema, schema, schema].map(quoted),
  )
  return found.map(({ kind, name }) => ({
    kind: relations[kind as keyof typeof relations] ?? kind,
    name: kind === 'routine' ? withoutSchema(name, schema) : name,
  }))
}

/** `regprocedure` names the schema where it is not on the search path. */
function withoutSchema(name: string, schema: string): string {
  for (const prefix of [`${schema}.`, `${quoted(schema)}.`])
    if (name.startsWith(prefix)) return name.slice(prefix.length)
  return name
}

/** Tables of other servers are only pointers: dropping and making them is not this service's alone. */
async function refuseForeign(tx: StoreTx, schema: string): Promise<void> {
  const [found] = await tx.all<{ relname: string }>(
    "select relname from pg_class where relnamespace = ?::text::regnamespace and relkind = 'f'",
    quoted(schema),
  )
  if (found) throw new SkerryError('capability_absent', `${found.relname} is a foreign table, which cannot be moved`)
}
