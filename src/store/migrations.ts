import { hash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { messageOf, SkerryError } from '../errors.ts'
import type { Dialect, Migration } from './store.ts'

/** A migration as the store remembers it. */
export interface Applied {
  readonly number: number
  readonly name: string
  readonly digest: string
  readonly additive: boolean
}

/** Migrations in order, from a folder or as given; numbered from 1 without gaps. */
export async function loadMigrations(
  source: URL | readonly Migration[] | undefined,
  dialect: Dialect,
): Promise<readonly Migration[]> {
  if (source === undefined) return []
  const found = source instanceof URL ? await readFolder(source, dialect) : [...source]
  const where = source instanceof URL ? folderName(source) : 'the migrations'
  found.sort((a, b) => a.number - b.number)
  found.forEach((migration, i) => {
    const before = found[i - 1]
    if (before?.number === migration.number)
      throw invalid(
        `${where}: number ${migration.number} is there twice (${before.name}, ${migration.name}); renumber one`,
      )
    if (migration.number !== i + 1)
      throw invalid(`${where}: number ${i + 1} is missing before ${migration.name}; number them from 1 without gaps`)
  })
  return found
}

async function readFolder(folder: URL, dialect: Dialect): Promise<Migration[]> {
  const found: Migration[] = []
  for (const file of await list(folder)) {
    if (!file.endsWith('.sql')) continue
    const parts = /^(\d+)-(.+?)(?:\.(sqlite|postgres))?\.sql$/.exec(file)
    if (!parts)
      throw invalid(`${folderName(folder)}: ${file} is not named like 0001-name.sql or 0001-name.${dialect}.sql`)
    if (parts[3] !== undefined && parts[3] !== dialect) continue
    const sql = await readFile(new URL(encodeURIComponent(file), asFolder(folder)), 'utf8')
    found.push({ number: Number(parts[1]), name: parts[2] as string, sql, additive: isAdditive(sql) })
  }
  return found
}

async function list(folder: URL): Promise<string[]> {
  try {
    return await readdir(asFolder(folder))
  } catch (cause) {
    throw new SkerryError(
      'invalid_config',
      `the migrations in ${folderName(folder)} cannot be read: ${messageOf(cause)}`,
      { cause },
    )
  }
}

function asFolder(folder: URL): URL {
  return folder.pathname.endsWith('/') ? folder : new URL(`${folder.href}/`)
}

function folderName(folder: URL): string {
  return folder.protocol === 'file:' ? fileURLToPath(folder) : folder.href
}

/** Older code may go on running beside an additive migration; the first line of any other says `-- breaking`. */
export function isAdditive(sql: string): boolean {
  return !/^\uFEFF?\s*--\s*breaking\b/i.test(sql)
}

/** Line endings do not count: a checkout may change them. */
export function digestOf(migration: Migration): string {
  return hash('sha256', migration.sql.replaceAll('\r\n', '\n'), 'hex')
}

/**
 * What is to be run, in order, on a store that has had `applied`. Throws `migration_refused` when a migration was edited
 * after it ran, or when newer code has changed the store in a way that this code must not run on.
 */
export function planMigrations(known: readonly Migration[], applied: readonly Applied[]): readonly Migration[] {
  const done = new Map(applied.map((a) => [a.number, a]))
  for (const migration of known) {
    const before = done.get(migration.number)
    if (before && before.digest !== digestOf(migration))
      throw refused(
        `migration ${label(before)} was edited after it ran${before.name === migration.name ? '' : ` (it is ${label(migration)} now)`}; put its text back, and make the change in a new one`,
      )
  }
  const unknown = applied.filter((a) => a.number > known.length)
  const breaking = unknown.filter((a) => !a.additive)
  if (breaking.length > 0)
    throw refused(
      `the store has had migration ${breaking.map(label).join(', ')}, which this code does not know and must not run on; run the newer version of the service (this one knows up to ${known.length})`,
    )
  const pending = known.filter((m) => !done.has(m.number))
  const highest = Math.max(0, ...done.keys())
  const late = pending.find((m) => m.number < highest)
  if (late)
    throw refused(
      `migration ${label(late)} is new, but the store has had number ${highest} already; give it a higher number`,
    )
  return pending
}

function label(migration: { readonly number: number; readonly name: string }): string {
  return `${migration.number} (${migration.name})`
}

function invalid(message: string): SkerryError {
  return new SkerryError('invalid_config', message)
}

function refused(message: string): SkerryError {
  return new SkerryError('migration_refused', message)
}
