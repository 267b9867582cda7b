import { spawnSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join as path } from 'node:path'
import { postgresProgram } from '../../../test/servers/postgres.ts'
import { openSqliteBus } from '../../bus/sqlite/open.ts'
import { randomIdentity } from '../../ids.ts'
import { administer, fillDisk, type TestServer } from '../../store/postgres/fixture.ts'
import { openPostgresStore } from '../../store/postgres/open.ts'
import { quoted, schemaName } from '../../store/postgres/place.ts'
import type { Store } from '../../store/store.ts'
import { VirtualClock } from '../../time.ts'
import type { FlowFixture, JoinElsewhere, Part } from '../conformance/fixture.ts'

interface Location {
  readonly folder: string
  readonly url: string
  readonly app: string
  readonly durability: 'full' | 'normal'
}

/** A SQLite bus in a folder of its own, and stores in schemas of their own. */
export async function postgresFixture(
  { url }: Pick<TestServer, 'url'>,
  { durability = 'normal' }: Pick<Partial<Location>, 'durability'> = {},
): Promise<FlowFixture> {
  const folder = await mkdtemp(path(tmpdir(), 'skerry-flow-'))
  const location: Location = { folder, url, durability, app: `t${randomIdentity().slice(0, 10)}` }
  const schemaOf = (service: string): string => schemaName(service, location.app)
  const schemas = new Map<Store, string>()
  const joined = join(JSON.stringify(location))
  const drop = (schema: string): Promise<void> =>
    administer(url, async (client) => void (await client.query(`drop schema if exists ${quoted(schema)} cascade`)))
  let copies = 0
  const busFiles = async (from: string): Promise<string[]> =>
    (await readdir(from)).filter((file) => file.startsWith('bus.db')).map((file) => path(from, file))
  return {
    remote: true,
    openBus: joined.openBus,
    async openStore(service, options) {
      const store = await joined.openStore(service, options)
      schemas.set(store, schemaOf(service))
      // Connections are made now: under a virtual clock their making would look as if it took minutes.
      if (options.clock instanceof VirtualClock) await warm(store)
      return store
    },
    elsewhere: { module: import.meta.url, location: JSON.stringify(location) },
    fillDisk: (store) => fillDisk(url, schemas.get(store) ?? ''),
    async copy(part: Part) {
      const kept = path(folder, `copy-${copies++}`)
      if (part === 'bus') {
        await mkdir(kept)
        for (const file of await busFiles(folder)) await cp(file, path(kept, basename(file)))
        return async () => {
          for (const file of await busFiles(folder)) await rm(file)
          for (const file of await busFiles(kept)) await cp(file, path(folder, basename(file)))
        }
      }
      const schema = schemaOf(part.store)
      run('pg_dump', ['--dbname', url, '--schema', quoted(schema), '--file', kept])
      return async () => {
        await drop(schema)
        run('psql', ['--dbname', url, '--quiet', '--set', 'ON_ERROR_STOP=1', '--file', kept])
      }
    },
    async remove(part: Part) {
      if (part === 'bus') for (const file of await busFiles(folder)) await rm(file)
      else await drop(schemaOf(part.store))
    },
    async dispose() {
      await administer(url, async (client) => {
        const { rows } = await client.query<{ name: string }>(
          `select nspname as name from pg_namespace where starts_with(nspname, $1)`,
          [`skerry_${location.app}_`],
        )
        for (const { name } of rows) await client.query(`drop schema ${quoted(name)} cascade`)
      })
      await rm(folder, { recursive: true })
    },
  }
}

export const join: JoinElsewhere = (location) => {
  const { folder, url, app, durability } = JSON.parse(location) as Location
  return {
    openBus: (options) => openSqliteBus({ file: path(folder, 'bus.db'), durability: 'normal', ...options }),
    openStore: (service, options) => openPostgresStore({ url, directUrl: url, app, service, durability, ...options }),
  }
}

async function warm(store: Store): Promise<void> {
  const looks = Array.from({ length: 4 }, () => store.read((tx) => tx.all('select 1 as one')))
  await Promise.all([...looks, store.write((tx) => tx.all('select 1 as one'), 'bookkeeping')])
}

function run(program: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(postgresProgram(program), args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} failed: ${stderr}`)
}
