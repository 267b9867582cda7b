import { SkerryError } from '../../errors.ts'
import type { StoreTx } from '../store.ts'

/** The name under which the other file's tables can be read until the store is closed. */
export const rebuiltSchema = 'rebuilt'

interface Entry {
  readonly type: string
  readonly name: string
  readonly sql: string
}

/**
 * Replaces all tables of the service by those of another store file, as far as this transaction goes: nobody sees half
 * of it. Skerry's own tables stay; those of the other file can be read as `<result>.<table>`. The file must be closed
 * elsewhere, and stay until this store is closed.
 */
export async function adoptTables(tx: StoreTx, file: string): Promise<string> {
  await tx.run('attach database ? as rebuilt', file)
  // Tables go and come one after another: what refers to what is checked when all are there, at the commit.
  await tx.run('pragma defer_foreign_keys = on')
  const before = await entries(tx, 'main')
  const after = await entries(tx, rebuiltSchema)
  await refuseVirtual(tx)
  for (const kind of ['trigger', 'view', 'table'])
    for (const { name } of before.filter((entry) => entry.type === kind)) await tx.run(`drop ${kind} ${quoted(name)}`)
  for (const table of after.filter((entry) => entry.type === 'table')) {
    await tx.run(table.sql)
    await copy(tx, table.name)
  }
  await copySequences(tx)
  // Indexes are quicker to make at the end, and triggers must not fire on the way.
  for (const kind of ['index', 'view', 'trigger'])
    for (const { sql } of after.filter((entry) => entry.type === kind)) await tx.run(sql)
  return rebuiltSchema
}

/** What the service made. Indexes without a text belong to their table. */
function entries(tx: StoreTx, schema: string): Promise<Entry[]> {
  return tx.all<Entry>(
    `select type, name, sql from ${schema}.sqlite_schema
     where sql is not null and substr(tbl_name, 1, 7) <> 'skerry_' and substr(name, 1, 7) <> 'sqlite_' order by rowid`,
  )
}

async function refuseVirtual(tx: StoreTx): Promise<void> {
  const [virtual] = await tx.all<{ name: string }>("select name from pragma_table_list where type = 'virtual'")
  if (virtual)
    throw new SkerryError(
      'capability_absent',
      `${virtual.name} is a virtual table, which cannot be moved between files`,
    )
}

async function copy(tx: StoreTx, table: string): Promise<void> {
  // Generated columns compute themselves.
  const columns = await tx.all<{ name: string }>(
    'select name from pragma_table_xinfo(?, ?) where hidden = 0',
    table,
    rebuiltSchema,
  )
  const names = columns.map((column) => quoted(column.name)).join(', ')
  await tx.run(`insert into main.${quoted(table)} (${names}) select ${names} from ${rebuiltSchema}.${quoted(table)}`)
}

/** Where `autoincrement` goes on. */
async function copySequences(tx: StoreTx): Promise<void> {
  const there = await tx.all(`select 1 from ${rebuiltSchema}.sqlite_schema where name = 'sqlite_sequence'`)
  if (there.length === 0) return
  await tx.run('delete from main.sqlite_sequence')
  await tx.run(`insert into main.sqlite_sequence select * from ${rebuiltSchema}.sqlite_sequence`)
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
