import type { Dialect, ReadTx } from '../../store/store.ts'
import type { PrimaryKeys } from './call-site.ts'

const texts: Readonly<Record<Dialect, string>> = {
  sqlite: `select lower(t.name) as name, lower(c.name) as part from sqlite_schema t join pragma_table_info(t.name) c
    where t.type = 'table' and c.pk > 0 order by t.name, c.pk`,
  postgres: `select lower(t.relname::text) as name, lower(c.attname::text) as part
    from pg_index i join pg_class t on t.oid = i.indrelid
    join pg_attribute c on c.attrelid = t.oid and c.attnum = any (i.indkey)
    where i.indisprimary and t.relnamespace = current_schema()::regnamespace
    order by t.relname, array_position(i.indkey::int2[], c.attnum)`,
}

/** The primary keys of a service's own tables. Other unique keys are not looked at. */
export async function primaryKeys(tx: ReadTx): Promise<PrimaryKeys> {
  const keys = new Map<string, string[]>()
  for (const { name, part } of await tx.all<{ name: string; part: string }>(texts[tx.dialect]))
    if (!name.startsWith('skerry_')) keys.set(name, [...(keys.get(name) ?? []), part])
  return keys
}
