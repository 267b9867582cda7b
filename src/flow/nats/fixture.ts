import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join as path } from 'node:path'
import { PrivateServer } from '../../bus/nats/fixture.ts'
import { openNatsBus } from '../../bus/nats/open.ts'
import { openSqliteStore } from '../../store/sqlite/open.ts'
import type { SqliteStore } from '../../store/sqlite/store.ts'
import type { FlowFixture, JoinElsewhere } from '../conformance/fixture.ts'

const app = 'flow'

/** A server of its own with SQLite stores beside it. */
export async function natsFixture(): Promise<FlowFixture> {
  const server = await PrivateServer.start()
  const folder = await mkdtemp(path(tmpdir(), 'skerry-flow-'))
  const streams = path(server.folder, 'jetstream')
  const location = JSON.stringify({ url: server.url, folder })
  let copies = 0
  const exchange = async (work: () => Promise<void>): Promise<void> => {
    await server.stop()
    await work()
    await server.startAgain()
  }
  return {
    ...join(location),
    elsewhere: { module: import.meta.url, location },
    async fillDisk(store) {
      const sqlite = store as SqliteStore
      sqlite.limitPages(1)
      return async () => sqlite.limitPages(2 ** 30)
    },
    async copy(part) {
      const kept = path(folder, `copy-${copies++}`)
      if (part === 'bus') {
        await exchange(() => cp(streams, kept, { recursive: true }))
        return () =>
          exchange(async () => {
            await rm(streams, { recursive: true })
            await cp(kept, streams, { recursive: true })
          })
      }
      for (const file of await filesOf(folder, part.store)) await cp(file, path(kept, basename(file)))
      return async () => {
        for (const file of await filesOf(folder, part.store)) await rm(file)
        for (const file of await filesOf(kept, part.store)) await cp(file, path(folder, basename(file)))
      }
    },
    async remove(part) {
      if (part === 'bus') await exchange(() => rm(streams, { recursive: true }))
      else for (const file of await filesOf(folder, part.store)) await rm(file)
    },
    async dispose() {
      await server.dispose()
      await rm(folder, { recursive: true })
    },
  }
}

export const join: JoinElsewhere = (location) => {
  const { url, folder } = JSON.parse(location) as { url: string; folder: string }
  return {
    // The server has no virtual time to give: its waits are real.
    openBus: ({ maxBytes }) => openNatsBus({ url, app, durability: 'engine', ...(maxBytes && { maxBytes }) }),
    openStore: (service, options) =>
      openSqliteStore({ file: path(folder, `${service}.db`), durability: 'normal', ...options }),
  }
}

/** A database and what SQLite keeps beside it. */
async function filesOf(folder: string, name: string): Promise<string[]> {
  return (await readdir(folder)).filter((file) => file.startsWith(`${name}.db`)).map((file) => path(folder, file))
}
