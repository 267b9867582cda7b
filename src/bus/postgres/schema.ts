import { SkerryError } from '../../errors.ts'
import { randomIdentity } from '../../ids.ts'
import type { Clock } from '../../time.ts'
import type { Database } from './database.ts'
import { logFunctions } from './logging.ts'
import { groupFunctions } from './seating.ts'
import { inSchema, quoted, schemaVersion, tables } from './tables.ts'

/** Older servers lack something that the functions use, or are no longer maintained. */
const oldestServer = 130_000

export interface ServerFacts {
  /** A commit that was waited for survives a power cut. */
  readonly syncs: boolean
}

/** Makes the bus where there is none; refuses servers and buses that cannot be used. */
export async function prepareSchema(database: Database, schema: string, clock: Clock): Promise<ServerFacts> {
  const facts = await checkServer(database)
  const version = await versionOf(database, schema)
  if (version === undefined) await create(database, schema, clock)
  else if (version !== schemaVersion)
    throw new SkerryError(
      'migration_refused',
      `${database.place}: the bus in schema ${schema} has version ${version}, this Skerry knows ${schemaVersion}; ` +
        'run the same version of Skerry everywhere',
    )
  return facts
}

async function checkServer(database: Database): Promise<ServerFacts> {
  const [row] = await database.ask(`
    select current_setting('server_version_num')::int as number, current_setting('server_version') as version,
      current_setting('server_encoding') as encoding, current_setting('fsync') as fsync,
      current_setting('full_page_writes') as pages`)
  if (Number(row?.number) < oldestServer)
    throw new SkerryError(
      'capability_absent',
      `${database.place}: PostgreSQL ${row?.version} is too old; the bus needs ${oldestServer / 10_000} or newer`,
    )
  if (row?.encoding !== 'UTF8')
    throw new SkerryError(
      'invalid_config',
      `${database.place}: the database's encoding is ${row?.encoding}, which cannot hold every event; create one with encoding UTF8`,
    )
  return { syncs: row.fsync === 'on' && row.pages === 'on' }
}

async function versionOf(database: Database, schema: string): Promise<number | undefined> {
  const [there] = await database.ask('select to_regclass($1) is not null as made', [`${quoted(schema)}.bus`])
  if (!there?.made) return undefined
  const [row] = await database.ask(`select version from ${quoted(schema)}.bus`)
  return Number(row?.version)
}

/** One transaction; of several processes that come at the same time, the first one makes it. */
async function create(database: Database, schema: string, clock: Clock): Promise<void> {
  const text = `select pg_advisory_xact_lock(hashtext('@channel'));${tables}${logFunctions}${groupFunctions}
    insert into @.bus (version, identity, head, bytes, terms, evidence)
      values (${schemaVersion}, '${randomIdentity()}', 1, 0, 1, @.evidence());
    insert into @.incarnation values (1, '${randomIdentity()}', 1, ${Math.round(clock.wall())});`
  try {
    await database.ask(inSchema(schema, text))
  } catch (error) {
    // Another process was first: its lock was free only after its commit.
    if ((await versionOf(database, schema)) === undefined) throw error
  }
}
