import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join as path } from 'node:path'
import { openSqliteBus } from '../../bus/sqlite/open.ts'
import { openSqliteStore } from '../../store/sqlite/open.ts'
import type { SqliteStore } from '../../store/sqlite/store.ts'
import type { FlowFixture, JoinElsewhere, Part } from '../conformance/fixture.ts'

/** A folder of its own for the embedded pair; `normal` durability, since no test can cut the power. */
export async function sqliteFixture(): Promise<FlowFixture> {
  const folder = await mkdtemp(path(tmpdir(), 'skerry-flow-'))
  let copies = 0
  return {
    ...join(folder),
    elsewhere: { module: import.meta.url, location: folder },
    async fillDisk(store) {
      const sqlite = store as SqliteStore
      sqlite.limitPages(1)
      return async () => sqlite.limitPages(2 ** 30)
    },
    async copy(part) {
      const kept = path(folder, `copy-${copies++}`)
      await mkdir(kept)
      for (const file of await filesOf(folder, part)) await cp(file, path(kept, basename(file)))
      return async () => {
        for (const file of await filesOf(folder, part)) await rm(file)
        for (const file of await filesOf(kept, part)) await cp(file, path(folder, basename(file)))
      }
    },
    async remove(part) {
      for (const file of await filesOf(folder, part)) await rm(file)
    },
    dispose: () => rm(folder, { recursive: true }),
  }
}

export const join: JoinElsewhere = (folder) => ({
  openBus: (options) => openSqliteBus({ file: path(folder, 'bus.db'), durability: 'normal', ...options }),
  openStore: (service, options) =>
    openSqliteStore({ file: path(folder, `${service}.db`), durability: 'normal', ...options }),
})

/** A database and what SQLite keeps beside it. */
async function filesOf(folder: string, part: Part): Promise<string[]> {
  const name = part === 'bus' ? 'bus' : part.store
  return (await readdir(folder)).filter((file) => file.startsWith(`${name}.db`)).map((file) => path(folder, file))
}
