import type { DatabaseSync } from 'node:sqlite'
import type { Plain } from '../../store.ts'
import { narrow } from '../../values.ts'
import type { Schema, Table } from './tables.ts'

export type Change = 'try' | 'insert' | 'update' | 'delete'

/** Told of each row that is about to be, and of each one that was inserted, updated or deleted. */
export type OnChange = (change: Change, table: Table, before: readonly Plain[], after: readonly Plain[]) => void

const watcher = 'observed_row'
/** Begins the names of the triggers that watch. */
export const watching = 'observed_'

/**
 * Puts triggers on every table that tell of its changes: unlike a session's changeset they see rows without a key, changes
 * that change nothing, and changes that are undone again. They are temporary: the schema itself stays as it was made.
 */
export function watchTables(db: DatabaseSync, schema: Schema, onChange: OnChange): void {
  const tables = [...schema.tables.values()]
  // Replaced rows tell of their end only so; it would also let triggers of the service's own fire where they do not.
  if (!schema.triggers) db.exec('pragma recursive_triggers = on')
  db.function(
    watcher,
    { varargs: true, useBigIntArguments: true },
    (at: unknown, change: unknown, ...values: unknown[]) => {
      const table = tables[Number(at)] as Table
      const width = table.columns.length
      const narrowed = values.map((value) => narrow(value) as Plain)
      const kind = String(change) as Change
      const before = kind === 'update' || kind === 'delete' ? narrowed.slice(0, width) : []
      const after = kind === 'delete' ? [] : narrowed.slice(kind === 'update' ? width : 0)
      onChange(kind, table, before, after)
      return null
    },
  )
  tables.forEach((table, at) => {
    for (const [change, when] of [
      ['try', 'before insert'],
      ['insert', 'after insert'],
      ['update', 'after update'],
      ['delete', 'after delete'],
    ] as const)
      db.exec(triggerText(table, at, change, when))
    const unique = new Set((table.unique ?? [table.columns.map((_, i) => i)]).flat())
    const names = [...unique].map((column) => quoted(table.columns[column] as string))
    if (names.length > 0) db.exec(triggerText(table, at, 'try', `before update of ${names.join(', ')}`))
  })
}

function triggerText(table: Table, at: number, change: Change, when: string): string {
  const rows = { try: ['new'], insert: ['new'], update: ['old', 'new'], delete: ['old'] }[change]
  const values = rows.flatMap((row) => table.columns.map((column) => `${row}.${quoted(column)}`))
  const name = `${watching}${change}_${when.split(' ')[1]}_${table.name}`
  return `create temp trigger ${quoted(name)} ${when} on main.${quoted(table.name)}
    begin select ${watcher}(${[at, `'${change}'`, ...values].join(', ')}); end`
}

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
