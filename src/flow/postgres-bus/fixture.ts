import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join as path } from 'node:path'
import pg from 'pg'
import { openPostgresBus } from '../../bus/postgres/open.ts'
import { randomIdentity } from '../../ids.ts'
import { openSqliteStore } from '../../store/sqlite/open.ts'
import type { SqliteStore } from '../../store/sqlite/store.ts'
import type { FlowFixture, JoinElsewhere, Part } from '../conformance/fixture.ts'

/** A database of its own on the server for the bus, a folder for the stores. `engine`, since no test crashes the server. */
export async function postgresBusFixture(server: string): Promise<FlowFixture> {
  const folder = await mkdtemp(path(tmpdir(), 'skerry-flow-'))
  const database = `bus_${randomIdentity()}`
  const kept: string[] = []
  const location = JSON.stringify({ url: `${server}/${database}`, folder })
  await run(server, `create database ${database}`)
  return {
    ...join(location),
    elsewhere: { module: import.meta.url, location },
    async fillDisk(store) {
      const sqlite = store as SqliteStore
      sqlite.limitPages(1)
      return async () => sqlite.limitPages(2 ** 30)
    },
    async copy(part) {
      if (part !== 'bus') return copyStore(folder, part)
      const copy = `${database}_${kept.length}`
      kept.push(copy)
      await run(server, `create database ${copy} template ${database}`)
      return async () => {
        await run(server, `drop database ${database}`)
        await run(server, `create database ${database} template ${copy}`)
      }
    },
    async remove(part) {
      if (part !== 'bus') for (const file of await filesOf(folder, part)) await rm(file)
      else {
        await run(server, `drop database ${database}`)
        await run(server, `create database ${database}`)
      }
    },
    async dispose() {
      for (const name of [database, ...kept]) await run(server, `drop database ${name} with (force)`)
      await rm(folder, { recursive: true })
    },
  }
}

export const join: JoinElsewhere = (location) => {
  const { url, folder } = JSON.parse(location) as { url: string; folder: string }
  return {
    openBus: (options) => openPostgresBus({ url, app: 'flow', durability: 'engine', ...options }),
    openStore: (service, options) =>
      openSqliteStore({ file: path(folder, `${service}.db`), durability: 'normal', ...options }),
  }
}

async function run(server: string, text: string): Promise<void> {
  const client = new pg.Client(`${server}/postgres`)
  await client.connect()
  try {
    await client.query(text)
  } finally {
    await client.end()
  }
}

async function copyStore(folder: string, part: Part): Promise<() => Promise<void>> {
  const kept = path(folder, `copy-${randomIdentity()}`)
  await mkdir(kept)
  for (const file of await filesOf(folder, part)) await cp(file, path(kept, basename(file)))
  return async () => {
    for (const file of await filesOf(folder, part)) await rm(file)
    for (const file of await filesOf(kept, part)) await cp(file, path(folder, basename(file)))
  }
}

/** A database and what SQLite keeps beside it. */
async function filesOf(folder: string, part: Part): Promise<string[]> {
  const name = part === 'bus' ? 'bus' : part.store
  return (await readdir(folder)).filter((file) => file.startsWith(`${name}.db`)).map((file) => path(folder, file))
}
